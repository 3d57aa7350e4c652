"""Store of records: a directory each, written once, looked up by name.

Layout::

    results/<run id>/manifest.json …
    results/<sweep id>/sweep.json
    results/<sweep id>/runs/<run id>/manifest.json …
    results/<plan id>/plan.json
    results/<fidelity id>/fidelity.json
    results/<calibration id>/calibration.json
    results/.<id>.partial/              being written, or left by a killed process (see ``partials``)

A directory without its leading dot is complete; nothing in it changes afterwards.
"""

from __future__ import annotations

import datetime as dt
import errno
import re
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, Literal

import orjson

from loadgen import interrupts, partials
from loadgen.errors import EnvironmentFault, UsageError
from loadgen.user_files import RECORD, read_bytes

Kind = Literal["run", "sweep", "plan", "fidelity", "calibration"]

DOCUMENTS: Final[dict[Kind, str]] = {
    "run": "manifest.json",
    "sweep": "sweep.json",
    "plan": "plan.json",
    "fidelity": "fidelity.json",
    "calibration": "calibration.json",
}
"""Name of the document that makes a directory a record, by kind."""

VERSIONS: Final[dict[Kind, tuple[int, ...]]] = {
    "run": (1, 2),
    "sweep": (1, 2),
    "plan": (1,),
    "fidelity": (1,),
    "calibration": (1,),
}
"""Format versions that ``runs.format``, ``fidelity.format`` and ``planning.calibration`` can read."""

RUNS: Final = "runs"
"""Folder of a sweep's own runs."""

_DISK_REFUSES: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG})

_ID = re.compile(r"(?P<utc>\d{8}T\d{6}Z)-(?P<subject>.+)-[0-9a-f]{6}")


def new_id(subject: str, now: dt.datetime) -> str:
    """``<utc>-<subject>-<6 random hex digits>``: sorts by time, and is safe as a file name.

    Raises ValueError for a ``now`` without a time zone.
    """
    if now.tzinfo is None:
        raise ValueError("a record's time needs its time zone")
    slug = re.sub(r"[^a-z0-9_]+", "-", subject.lower()).strip("-") or "record"
    return f"{now.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}-{slug[:60]}-{secrets.token_hex(3)}"


@contextmanager
def new_record(results_dir: Path, record_id: str) -> Iterator[Path]:
    """Make a hidden directory to write a record into; rename it into place when the block succeeds.

    A block that fails leaves nothing but the complete runs of its sweep, which become records of their own. So do those
    that a killed process left, see :func:`clear_leftovers`. Raises EnvironmentFault where the disk refuses.

    A signal waits for the end of the block, and raises nothing after it (``interrupts.finishing``).
    """
    partial = results_dir / f".{record_id}.partial"
    final = results_dir / record_id
    with interrupts.finishing(), ExitStack() as stack:
        try:
            results_dir.mkdir(parents=True, exist_ok=True)
            clear_leftovers(results_dir)
            stack.enter_context(partials.held(partial, Path.mkdir, _discard_record))
        except OSError as error:
            raise _fault(partial, error) from error
        try:
            yield partial
            with interrupts.deferred():
                if final.exists():  # rename would silently replace an empty directory
                    raise EnvironmentFault(f"{final} exists already; a record is written once")
                partial.rename(final)
                interrupts.note(f"the record is in {final}")
        except OSError as error:
            if error.errno in _DISK_REFUSES:
                raise _fault(final, error) from error
            raise


def clear_leftovers(results_dir: Path) -> None:
    """Remove half-written records of killed processes and report it; their complete runs are kept."""
    for leftover in partials.leftovers(results_dir, ".*.partial"):
        kept_runs = _discard(leftover)
        partials.report(f"removed {leftover}, left incomplete by a process that was killed{kept_runs}")


def _discard_record(partial: Path) -> None:
    if kept_runs := _discard(partial):
        partials.report(f"the record could not be completed{kept_runs}")


def _discard(partial: Path) -> str:
    """Remove a directory, moving its complete runs up as records of their own; returns a suffix that names them."""
    complete = sorted(document.parent for document in partial.glob(f"{RUNS}/[!.]*/{DOCUMENTS['run']}"))
    for run in complete:
        run.rename(partial.parent / run.name)
    partials.remove(partial)
    names = ", ".join(run.name for run in complete)
    return f"; its complete runs are kept in {partial.parent}: {names}" if complete else ""


def leftovers(results_dir: Path) -> tuple[Path, ...]:
    """Hidden directories: records being written, or left by a process that died."""
    return tuple(sorted(path for path in results_dir.glob(".*.partial") if path.is_dir()))


def resolve(results_dir: Path, name: str) -> Path:
    """Look up a document by JSON file, record's directory, id, or unique prefix of one.

    Runs inside sweeps are found by id too. Raises UsageError when nothing or more than one record fits.
    """
    if not name:
        raise UsageError("a record needs a name: give an id, a directory or a JSON file")
    path = Path(name)
    if path.is_file():
        return path
    if path.is_dir():
        return _document_in(path)
    matches = [record for record in _records(results_dir) if record.name.startswith(name)]
    exact = [record for record in matches if record.name == name]
    if len(exact or matches) == 1:
        return _document_in((exact or matches)[0])
    if matches:
        examples = ", ".join(sorted(record.name for record in matches)[:4])
        raise UsageError(f"{name!r} matches {len(matches)} records in {results_dir} ({examples}, …); give a longer id")
    if any(path.name.startswith(f".{name}") for path in leftovers(results_dir)):
        raise UsageError(
            f"{name!r} in {results_dir} is incomplete: its process still runs, or was killed; run it again"
        )
    raise UsageError(f"no record {name!r} in {results_dir}; give an id, a directory or a JSON file, or --results-dir")


def kind_of(path: Path) -> Kind:
    """Read the kind of a document from its ``format``. Raises UsageError: unreadable, unknown, or newer."""
    try:
        document: object = orjson.loads(read_bytes(path, RECORD))
    except ValueError as error:
        raise UsageError(f"{path} is not JSON ({error}); give a record of this tool") from error
    name = document.get("format") if isinstance(document, dict) else None
    match = re.fullmatch(r"loadgen\.(\w+)/([0-9]{1,9})", name) if isinstance(name, str) else None
    for kind, versions in VERSIONS.items():
        if match is None or match[1] != kind:
            continue
        if int(match[2]) not in versions:
            known = ", ".join(str(version) for version in versions)
            raise UsageError(f"{path} has format {name}, this version reads {known}; use the version that wrote it")
        return kind
    raise UsageError(f"{path} has format {name!r}, which is not a record of this tool; give a record")


def newest(results_dir: Path, kind: Kind, subject: str | None = None) -> Path | None:
    """Document of the latest record of a kind, of one subject if given; runs inside sweeps do not count."""
    return next(iter(newest_first(results_dir, kind, subject)), None)


def newest_first(results_dir: Path, kind: Kind, subject: str | None = None) -> tuple[Path, ...]:
    """Documents of all records that :func:`newest` chooses from, latest first."""
    candidates = []
    for document in results_dir.glob(f"[!.]*/{DOCUMENTS[kind]}"):
        match = _ID.fullmatch(document.parent.name)
        if match and (subject is None or match["subject"] == subject):
            # Ids have whole seconds; within one, the file's time decides.
            candidates.append((match["utc"], document.stat().st_mtime_ns, document))
    return tuple(document for _, _, document in sorted(candidates, reverse=True))


def _records(results_dir: Path) -> Iterator[Path]:
    for pattern in ("[!.]*", f"[!.]*/{RUNS}/[!.]*"):
        yield from (path for path in results_dir.glob(pattern) if path.is_dir() and _documents_of(path))


def _documents_of(directory: Path) -> list[Path]:
    return [path for name in DOCUMENTS.values() if (path := directory / name).is_file()]


def _document_in(directory: Path) -> Path:
    documents = _documents_of(directory)
    if len(documents) == 1:
        return documents[0]
    known = ", ".join(DOCUMENTS.values())
    what = "several of" if documents else "none of"
    raise UsageError(f"{directory} holds {what} {known}; give the directory of one record")


def _fault(path: Path, error: OSError) -> EnvironmentFault:
    return EnvironmentFault(f"cannot write {path}: {error.strerror}; free space or choose another --results-dir")
