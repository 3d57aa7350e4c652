"""Where things are and which server is meant: flags over environment over ``loadgen.toml`` over defaults."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from loadgen.errors import UsageError

CONFIG_FILE = "loadgen.toml"


@dataclass(frozen=True, slots=True)
class Settings:
    """Frozen settings of one invocation.

    ``dsn`` never holds a password when it came from a flag; one from ``LOADGEN_DSN`` may, and is not printed.
    """

    dsn: str | None = field(default=None, repr=False)
    instance: str = "default"
    state_dir: Path = Path("/var/lib/loadgen")
    results_dir: Path = Path("results")
    pg_bin: Path | None = None


def default_state_dir(environ: Mapping[str, str], *, root: bool) -> Path:
    """Where embedded servers live: as root one place for all, else the user's own state directory."""
    if root:
        return Path("/var/lib/loadgen")
    base = environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "loadgen"


def load(
    *,
    dsn: str | None = None,
    instance: str | None = None,
    results_dir: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    cwd: Path | None = None,
) -> Settings:
    """Join the sources. Raises UsageError for an unreadable file, an unknown key or a value of the wrong type."""
    found: dict[str, str] = {}
    path = Path(environ.get("LOADGEN_CONFIG") or (cwd or Path.cwd()) / CONFIG_FILE)
    if path.exists():
        found |= _from_file(path)
    elif "LOADGEN_CONFIG" in environ:
        raise UsageError(f"LOADGEN_CONFIG names {path}, which does not exist; correct or unset it")
    names = [f.name for f in fields(Settings)]
    found |= {name: environ[key] for name in names if environ.get(key := f"LOADGEN_{name.upper()}")}
    flags = {"dsn": dsn, "instance": instance, "results_dir": results_dir}
    found |= {name: str(value) for name, value in flags.items() if value is not None}
    settings = Settings(state_dir=default_state_dir(environ, root=os.geteuid() == 0))
    paths = {name: Path(found.pop(name)) for name in ("state_dir", "results_dir", "pg_bin") if name in found}
    return replace(settings, **paths, **found)  # type: ignore[arg-type]  # names are checked above


def _from_file(path: Path) -> dict[str, str]:
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"cannot read settings from {path}: {error}") from error
    known = {f.name for f in fields(Settings)}
    values = table.get("loadgen", {})
    for name, value in values.items():
        if name not in known:
            raise UsageError(f"{path}: unknown setting {name!r} in [loadgen]; known are {', '.join(sorted(known))}")
        if not isinstance(value, str):
            raise UsageError(f"{path}: setting {name!r} must be a string, not {value!r}")
    return dict(values)
