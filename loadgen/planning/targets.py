"""Targets of a plan: ``neon``, a TOML catalogue of servers, or by default the swept server."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final

from capacity.targets import (
    CORE_SPEED,
    GIB,
    PRICE_PER_CU_HOUR,
    SCALING,
    ComputeSize,
    Pooler,
    Server,
    Target,
    neon_target,
)
from capacity.values import Input, Interval, Origin
from loadgen.errors import UsageError
from loadgen.user_files import KIB, FileKind, read_toml

NEON_FILE: Final = "neon_compute.csv"
FILE: Final = FileKind("a target", "give a TOML file of servers", 256 * KIB)
"""Assumption: a thousand servers take half of it."""
_TOP: Final = (
    "name", "as_of", "source", "currency", "most_replicas", "shared_storage", "storage_price", "usable_ram",
    "reserved_connections", "core_speed", "scaling", "pooler", "servers",
)  # fmt: skip
_SERVER: Final = ("name", "cores", "ram_gib", "price", "max_connections")
_POOLER: Final = ("name", "max_clients", "default_pool", "queue_timeout_s")
_RANGE: Final = ("value", "low", "high", "origin", "source")


def read_target(name: str | None, peak_to_mean: Interval) -> Target | None:
    """Read a target: ``neon`` (its launch plan), ``neon-scale``, or a TOML file; None is the measured server.

    Raises UsageError with the file and the key for what cannot be used.
    """
    if name is None or name == "measured":
        return None
    if name == "neon" or name.startswith("neon-"):
        plan = name.partition("-")[2] or "launch"
        if plan not in PRICE_PER_CU_HOUR:
            known = ", ".join(f"neon-{each}" for each in PRICE_PER_CU_HOUR)
            raise UsageError(f"--target {name}: not a plan of Neon; known are {known}")
        return _neon(plan, peak_to_mean)
    path = Path(name)
    if not path.suffix and not path.exists():
        raise UsageError(f"--target {name}: expected neon, neon-scale or a TOML file of servers")
    return _read(path)


def _neon(plan: str, peak_to_mean: Interval) -> Target:
    """Target from the package's table of compute sizes, whose first comment states source and date."""
    lines = (files("loadgen.planning") / NEON_FILE).read_text("utf-8").splitlines()
    source = lines[0].lstrip("# ").split(".")[0]
    rows = [
        ComputeSize(float(row["compute_units"]), float(row["ram_gb"]), int(row["max_connections"]))
        for row in csv.DictReader(line for line in lines if not line.startswith("#"))
    ]
    return neon_target(rows, peak_to_mean, plan, source.rpartition(", ")[2], source)


def _read(path: Path) -> Target:
    document = read_toml(path, FILE)
    _known(document, _TOP, str(path))
    tables = document.get("servers")
    if not isinstance(tables, list) or not tables:
        raise UsageError(f"{path}: servers: list at least one as [[servers]] with name, cores and ram_gib")
    try:
        return Target(
            name=_text(document, "name", str(path), path.stem),
            servers=tuple(_server(table, f"{path}: servers[{n}]") for n, table in enumerate(tables, start=1)),
            most_replicas=int(_number(document.get("most_replicas", 5), f"{path}: most_replicas")),
            as_of=_text(document, "as_of", str(path), ""),
            source=_text(document, "source", str(path), str(path)),
            shared_storage=document.get("shared_storage") is True,
            storage_price=_range(document.get("storage_price"), f"{path}: storage_price"),
            currency=_text(document, "currency", str(path), "USD"),
            usable_ram=_number(document.get("usable_ram", 0.75), f"{path}: usable_ram"),
            reserved_connections=int(_number(document.get("reserved_connections", 3), f"{path}: reserved_connections")),
            pooler=_pooler(document.get("pooler"), f"{path}: pooler"),
            core_speed=_input(document.get("core_speed"), CORE_SPEED, f"{path}: core_speed"),
            scaling=_input(document.get("scaling"), SCALING, f"{path}: scaling"),
        )
    except ValueError as error:
        raise UsageError(f"{path}: {error}; correct it") from error


def _server(table: object, where: str) -> Server:
    if not isinstance(table, dict):
        raise UsageError(f"{where}: must be a table with name, cores and ram_gib")
    _known(table, _SERVER, where)
    for key in ("name", "cores", "ram_gib"):
        if key not in table:
            raise UsageError(f"{where}: {key} is missing; add it")
    most = table.get("max_connections")
    return Server(
        _text(table, "name", where, ""),
        _number(table["cores"], f"{where}.cores"),
        _number(table["ram_gib"], f"{where}.ram_gib") * GIB,
        _range(table.get("price"), f"{where}.price"),
        None if most is None else int(_number(most, f"{where}.max_connections")),
    )


def _pooler(table: object, where: str) -> Pooler | None:
    if table is None:
        return None
    if not isinstance(table, dict):
        raise UsageError(f"{where}: must be a table")
    _known(table, _POOLER, where)
    clients, share, timeout = (
        None if (value := table.get(key)) is None else _number(value, f"{where}.{key}") for key in _POOLER[1:]
    )
    return Pooler(_text(table, "name", where, "the pooler"), None if clients is None else int(clients), share, timeout)


def _input(given: object, default: Input, where: str) -> Input:
    """Input from a number, or from a table with value, low, high, origin and source."""
    if given is None:
        return default
    table: Mapping[str, object] = given if isinstance(given, dict) else {"value": given}
    _known(table, _RANGE, where)
    origin = table.get("origin", "assumption")
    if origin not in ("assumption", "measured"):
        raise UsageError(f"{where}.origin: is {origin!r}; write assumption or measured")
    interval = _range({key: table[key] for key in ("value", "low", "high") if key in table}, where)
    assert interval is not None
    return Input(default.name, interval, default.unit, Origin(origin), _text(table, "source", where, where))


def _range(given: object, where: str) -> Interval | None:
    if given is None:
        return None
    if not isinstance(given, dict):
        return Interval.exact(_number(given, where))
    _known(given, ("value", "low", "high"), where)
    if "value" not in given:
        raise UsageError(f"{where}: value is missing; add it")
    value = _number(given["value"], f"{where}.value")
    low, high = (_number(given.get(key, value), f"{where}.{key}") for key in ("low", "high"))
    if not low <= value <= high:
        raise UsageError(f"{where}: low ≤ value ≤ high must hold, not {low:g}, {value:g}, {high:g}")
    return Interval(low, value, high)


def _known(table: Mapping[str, object], keys: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in keys:
            raise UsageError(f"{where}: unknown key {key!r}; known are {', '.join(keys)}")


def _text(table: Mapping[str, object], key: str, where: str, default: str) -> str:
    value = table.get(key, default)
    if not isinstance(value, str):
        return str(value)
    if not value and key == "name":
        raise UsageError(f"{where}.{key}: expected a name")
    return value


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{where}: {value!r} is not a number; correct it")
    if not math.isfinite(value) or value < 0 or value > 1e12:
        raise UsageError(f"{where}: {value:g} is out of range; give 0 to 1e12")
    return float(value)
