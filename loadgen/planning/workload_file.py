"""The workload block as a TOML file, checked key by key."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from capacity.plan import Input
from capacity.replicas import POLICY_UNITS, Policy
from capacity.values import Interval, Origin
from capacity.workload import UNITS, MixShare, Workload
from loadgen.errors import UsageError

SHARE_UNIT: Final = "share of transactions"
DEFAULT_FILE: Final = "workload.toml"
_KEYS: Final = ("value", "low", "high", "unit", "origin", "source")
_ORIGINS: Final = {"assumption": Origin.ASSUMPTION, "measured": Origin.MEASURED}


@dataclass(frozen=True, slots=True)
class Block:
    """What a workload file says."""

    workload: Workload
    policy: Policy


def read_workload(path: Path | None) -> Block:
    """The block in ``path``; what it leaves out, and all of it for None, is the block shipped with this package.

    A file that names any scenario's share must name all. Raises UsageError with file and key: an unknown or missing
    key, another unit than the law's, a value outside its range, shares that do not sum to 1.
    """
    shipped = tomllib.loads((files("loadgen.planning") / DEFAULT_FILE).read_text("utf-8"))
    entries = _entries(shipped, DEFAULT_FILE)
    if path is not None:
        given = _entries(_parse(path), str(path))
        if any(name.startswith("mix.") for name in given):
            entries = {name: entry for name, entry in entries.items() if not name.startswith("mix.")}
        entries |= given
    where = str(path) if path is not None else DEFAULT_FILE
    try:
        workload = Workload(
            **{name: entries[f"workload.{name}"] for name in UNITS},
            mix=tuple(
                MixShare(name.removeprefix("mix."), entry) for name, entry in entries.items() if name.startswith("mix.")
            ),
        )
        policy = Policy(**{name: entries[f"policy.{name}"] for name in POLICY_UNITS})
    except ValueError as error:
        raise UsageError(f"{where}: {error}; correct it") from error
    return Block(workload, policy)


def _parse(path: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read workload {path}: {error.strerror}; give a TOML file") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}; correct it") from error


def _entries(document: Mapping[str, object], file: str) -> dict[str, Input]:
    """Every ``[section.name]`` of a file by its full name."""
    known = {"workload": UNITS, "mix": None, "policy": POLICY_UNITS}
    found: dict[str, Input] = {}
    for section, tables in document.items():
        if section not in known or not isinstance(tables, dict):
            raise UsageError(f"{file}: unknown key {section!r}; known are [workload.…], [mix.…] and [policy.…]")
        units = known[section]
        for name, table in tables.items():
            if units is not None and name not in units:
                raise UsageError(f"{file}: unknown key {section}.{name}; known are {', '.join(units)}")
            unit = SHARE_UNIT if units is None else units[name]
            key = f"{section}.{name}"
            found[key] = _entry(table, f"{file}: {key}", name if units is not None else key, unit)
    return found


def _entry(table: object, where: str, name: str, unit: str) -> Input:
    if not isinstance(table, dict):
        raise UsageError(f"{where}: must be a table with value, low and high")
    for key in table:
        if key not in _KEYS:
            raise UsageError(f"{where}: unknown key {key!r}; known are {', '.join(_KEYS)}")
    if "value" not in table:
        raise UsageError(f"{where}: value is missing; give one")
    value = _number(table["value"], f"{where}.value")
    low = _number(table.get("low", value), f"{where}.low")
    high = _number(table.get("high", value), f"{where}.high")
    if not low <= value <= high:
        raise UsageError(f"{where}: low ≤ value ≤ high must hold, not {low:g}, {value:g}, {high:g}")
    if (given := table.get("unit", unit)) != unit:
        raise UsageError(f"{where}.unit: is {given!r}, the law needs {unit!r}; convert the value")
    if (origin := table.get("origin", "assumption")) not in _ORIGINS:
        raise UsageError(f"{where}.origin: is {origin!r}; write assumption or measured")
    source = table.get("source", "")
    if not isinstance(source, str) or (origin == "measured" and not source):
        raise UsageError(f"{where}.source: name in words where a measured value comes from")
    return Input(name, Interval(low, value, high), unit, _ORIGINS[origin], source)


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{where}: {value!r} is not a number; correct it")
    if not math.isfinite(value) or value < 0 or value > 1e9:
        raise UsageError(f"{where}: {value:g} is out of range; give 0 to 1e9")
    return float(value)
