"""Settings of paths and servers. Flags override the environment, which overrides ``loadgen.toml``, then defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from loadgen.errors import UsageError
from loadgen.user_files import SETTINGS, read_toml

CONFIG_FILE = "loadgen.toml"
_LISTS = ("replica_dsns",)
"""Settings with several values, from repeated flags or from the lines of an environment variable."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Frozen settings of one invocation.

    ``dsn`` holds a password only if it came from ``LOADGEN_DSN``, and is not printed. ``instance`` is None if no
    embedded server was named.
    """

    dsn: str | None = field(default=None, repr=False)
    instance: str | None = None
    state_dir: Path = Path("/var/lib/loadgen")
    results_dir: Path = Path("results")
    pg_bin: Path | None = None
    pooler_dsn: str | None = field(default=None, repr=False)
    """DSN of the pooler before the server of ``dsn``, which a load goes through."""
    replica_dsns: tuple[str, ...] = field(default=(), repr=False)
    """DSNs of streaming replicas of the server."""


def default_state_dir(environ: Mapping[str, str], *, root: bool) -> Path:
    """Directory of embedded servers: one for the machine as root, else the user's own state directory."""
    if root:
        return Path("/var/lib/loadgen")
    base = environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "loadgen"


def load(
    *,
    dsn: str | None = None,
    instance: str | None = None,
    results_dir: Path | None = None,
    pooler_dsn: str | None = None,
    replica_dsns: Sequence[str] = (),
    environ: Mapping[str, str] = os.environ,
    cwd: Path | None = None,
) -> Settings:
    """Combine the sources. An instance named by a flag overrides a DSN from elsewhere.

    Raises UsageError for an unreadable file, an unknown key, a value of the wrong type, a DSN with a password that
    others could read, or two flags that name two servers.
    """
    if dsn is not None:
        _refuse_password(dsn, "--dsn")
        if instance is not None:
            raise UsageError("--dsn and --instance exclude each other; give one of them")
    _refuse_empty(instance, "--instance")
    for option, value in (("--pooler-dsn", pooler_dsn), *(("--replica", dsn) for dsn in replica_dsns)):
        if value is not None:
            _refuse_password(value, option)
    values: dict[str, str] = {}
    path = Path(environ.get("LOADGEN_CONFIG") or (cwd or Path.cwd()) / CONFIG_FILE)
    if path.exists():
        values |= _from_file(path)
    elif "LOADGEN_CONFIG" in environ:
        raise UsageError(f"LOADGEN_CONFIG names {path}, which does not exist; correct or unset it")
    names = [f.name for f in fields(Settings) if f.name not in _LISTS]
    values |= {name: environ[key] for name in names if environ.get(key := f"LOADGEN_{name.upper()}")}
    if instance is not None:
        values.pop("dsn", None)
    flags = {"dsn": dsn, "instance": instance, "results_dir": results_dir, "pooler_dsn": pooler_dsn}
    values |= {name: str(value) for name, value in flags.items() if value is not None}
    settings = Settings(state_dir=default_state_dir(environ, root=os.geteuid() == 0))
    paths = {name: Path(values.pop(name)) for name in ("state_dir", "results_dir", "pg_bin") if name in values}
    replicas = tuple(replica_dsns) or tuple(environ.get("LOADGEN_REPLICA_DSNS", "").splitlines())
    return replace(settings, **paths, **values, replica_dsns=replicas)  # type: ignore[arg-type]  # names are checked above


def _from_file(path: Path) -> dict[str, str]:
    names = {f.name for f in fields(Settings) if f.name not in _LISTS}
    values = read_toml(path, SETTINGS).get("loadgen", {})
    if not isinstance(values, dict):
        raise UsageError(f"{path}: loadgen must be a table; write [loadgen] and one setting per line")
    for name, value in values.items():
        if name not in names:
            raise UsageError(f"{path}: unknown setting {name!r} in [loadgen]; known are {', '.join(sorted(names))}")
        if not isinstance(value, str):
            raise UsageError(f"{path}: setting {name!r} must be a string, not {value!r}")
        _refuse_empty(value, f"{path}: setting {name}")
    for name in ("dsn", "pooler_dsn"):
        if name in values:
            _refuse_password(values[name], str(path))
    return dict(values)


def _refuse_empty(name: str | None, where: str) -> None:
    """Refuse an empty value, a likely mistake that would select another server or place."""
    if name is not None and not name.strip():
        raise UsageError(f"{where} is empty; give a value, or leave it out")


def _refuse_password(dsn: str, where: str) -> None:
    """Refuse a password: others can read flags in the process list, and settings files in backups."""
    _refuse_empty(dsn, where)
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        has_password = "password" in conninfo_to_dict(dsn)
    except ProgrammingError:
        raise UsageError(
            f"{where}: this DSN cannot be read; write postgresql://user@host:5432/db, or host=… dbname=…"
        ) from None  # the driver's message quotes the DSN, which may hold a password
    if has_password:
        raise UsageError(f"{where} holds a password, which others can read; put it in PGPASSWORD or a passfile")
