"""Reading of a workload block from a TOML file, with a check of every key."""

from __future__ import annotations

import datetime as dt
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal

from capacity.sizing import POLICY_UNITS, Policy
from capacity.values import Input, Interval, Origin
from capacity.workload import UNITS, Event, MixShare, Workload
from loadgen.errors import UsageError
from loadgen.user_files import KIB, FileKind, read_toml

SHARE_UNIT: Final = "share of transactions"
DEFAULT_FILE: Final = "workload.toml"
FILE: Final = FileKind("a workload", "give a TOML file", 256 * KIB)
"""Workload file. Its size limit is an assumption: the shipped file with comments has 4 kB."""
_KEYS: Final = ("value", "low", "high", "unit", "origin", "source")
EVENT_UNIT: Final = "times the load without it"
_EVENT_KEYS: Final = ("name", "date", "days", "on", "factor", "low", "high", "origin", "source")
_ORIGINS: Final = {"assumption": Origin.ASSUMPTION, "measured": Origin.MEASURED, "synthetic": Origin.SYNTHETIC}
READ_SHARE_UNIT: Final = "share of transactions that write nothing"
_PARTS: Final = ("daily_active_share", "sessions_per_active_day", "transactions_per_session")
"""Factors of transactions_per_user_day."""


@dataclass(frozen=True, slots=True)
class Block:
    """Contents of a workload file."""

    workload: Workload
    policy: Policy


def read_workload(path: Path | None) -> Block:
    """Read the block in ``path``; entries that it leaves out, or all for None, are those shipped with this package.

    A stated target utilisation takes precedence over the sweeps' latency curves. A file with any scenario's share must
    have all. Raises UsageError with file and key for an unknown or missing key, a wrong unit, a value out of range, and
    shares that do not sum to 1.
    """
    shipped = tomllib.loads((files("loadgen.planning") / DEFAULT_FILE).read_text("utf-8"))
    entries = _entries(shipped, DEFAULT_FILE)
    stated = False
    events: tuple[Event, ...] = ()
    if path is not None:
        document = read_toml(path, FILE)
        given = _entries(document, str(path))
        events = _events(document.get("events", []), str(path))
        if any(name.startswith("mix.") for name in given):
            entries = {name: entry for name, entry in entries.items() if not name.startswith("mix.")}
        both = [part for part in _PARTS if f"workload.{part}" in given]
        if both and "workload.transactions_per_user_day" in given:
            raise UsageError(
                f"{path}: workload.transactions_per_user_day is the product of {', '.join(_PARTS)}; "
                f"give either it or them, not {both[0]} as well"
            )
        entries |= given
        stated = "policy.target_utilisation" in given
    where = str(path) if path is not None else DEFAULT_FILE
    try:
        workload = Workload(
            daily_active_share=entries["workload.daily_active_share"],
            sessions_per_active_day=entries["workload.sessions_per_active_day"],
            transactions_per_session=entries["workload.transactions_per_session"],
            peak_to_mean=entries["workload.peak_to_mean"],
            events=events,
            mix=_mix(entries),
            transactions_per_user_day=entries.get("workload.transactions_per_user_day"),
        )
        policy = Policy(
            target_utilisation=entries["policy.target_utilisation"],
            replay_cost=entries["policy.replay_cost"],
            write_cost=entries["policy.write_cost"],
            fresh_read_share=entries["policy.fresh_read_share"],
            working_set_share=entries["policy.working_set_share"],
            round_trip_ms=entries["policy.round_trip_ms"],
            target_stated=stated,
        )
    except ValueError as error:
        raise UsageError(f"{where}: {error}; correct it") from error
    return Block(workload, policy)


def _mix(entries: Mapping[str, Input]) -> tuple[MixShare, ...]:
    """Mix of a file's entries. Raises ValueError for the read share of a scenario that is not in the mix."""
    shares = {name.removeprefix("mix."): entry for name, entry in entries.items() if name.startswith("mix.")}
    reads = {name.removeprefix("read_share."): e for name, e in entries.items() if name.startswith("read_share.")}
    if unknown := sorted(reads.keys() - shares.keys()):
        raise ValueError(f"read_share.{unknown[0]}: the mix has no such scenario")
    return tuple(MixShare(name, entry, reads.get(name)) for name, entry in shares.items())


def _entries(document: Mapping[str, object], file: str) -> dict[str, Input]:
    """Entries of a file by ``section.name``."""
    known = {"workload": UNITS, "mix": None, "read_share": None, "policy": POLICY_UNITS}
    found: dict[str, Input] = {}
    for section, tables in document.items():
        if section == "events":
            continue
        if section not in known or not isinstance(tables, dict):
            raise UsageError(
                f"{file}: unknown key {section!r}; known are [workload.…], [mix.…], [read_share.…], [policy.…] "
                "and [[events]]"
            )
        units = known[section]
        for name, table in tables.items():
            if units is not None and name not in units:
                raise UsageError(f"{file}: unknown key {section}.{name}; known are {', '.join(units)}")
            unit = units[name] if units is not None else SHARE_UNIT if section == "mix" else READ_SHARE_UNIT
            key = f"{section}.{name}"
            found[key] = _entry(table, f"{file}: {key}", name if units is not None else key, unit)
    return found


def _events(tables: object, file: str) -> tuple[Event, ...]:
    """Events of a file: ``[[events]]`` with name, date, factor and its range, days (default: for good), on."""
    if not isinstance(tables, list) or any(not isinstance(table, dict) for table in tables):
        raise UsageError(f"{file}: events: write each as [[events]] with name, date and factor")
    return tuple(_event(table, f"{file}: events[{n}]", n) for n, table in enumerate(tables, start=1))


def _event(table: Mapping[str, object], where: str, number: int) -> Event:
    for key in table:
        if key not in _EVENT_KEYS:
            raise UsageError(f"{where}: unknown key {key!r}; known are {', '.join(_EVENT_KEYS)}")
    name = table.get("name", f"event {number}")
    if not isinstance(name, str) or not name.strip():
        raise UsageError(f"{where}.name: expected a name")
    days = table.get("days")
    if days is not None and (isinstance(days, bool) or not isinstance(days, int)):
        raise UsageError(f"{where}.days: {days!r} is not an integer; leave it out for a permanent change")
    on: Literal["users", "peak"]
    if (given := table.get("on", "peak")) == "users":
        on = "users"
    elif given == "peak":
        on = "peak"
    else:
        raise UsageError(f"{where}.on: is {given!r}; write users or peak")
    if "factor" not in table:
        raise UsageError(f"{where}: factor is missing; add one, such as 1.5")
    values = {key: table[key] for key in ("low", "high", "origin", "source") if key in table}
    factor = _entry({"value": table["factor"], **values}, where, f"event.{name}", EVENT_UNIT)
    try:
        return Event(name, _date(table.get("date"), where), factor, on, days)
    except ValueError as error:
        raise UsageError(f"{where}: {error}; correct it") from error


def _date(given: object, where: str) -> dt.date:
    if isinstance(given, dt.datetime):
        return given.date()
    if isinstance(given, dt.date):
        return given
    try:
        return dt.date.fromisoformat(str(given))
    except ValueError as error:
        raise UsageError(f"{where}.date: {given!r}: expected year-month-day, such as 2026-11-27") from error


def _entry(table: object, where: str, name: str, unit: str) -> Input:
    if not isinstance(table, dict):
        raise UsageError(f"{where}: must be a table with value, low and high")
    for key in table:
        if key not in _KEYS:
            raise UsageError(f"{where}: unknown key {key!r}; known are {', '.join(_KEYS)}")
    if "value" not in table:
        raise UsageError(f"{where}: value is missing; add it")
    value = _number(table["value"], f"{where}.value")
    low = _number(table.get("low", value), f"{where}.low")
    high = _number(table.get("high", value), f"{where}.high")
    if not low <= value <= high:
        raise UsageError(f"{where}: low ≤ value ≤ high must hold, not {low:g}, {value:g}, {high:g}")
    if (given := table.get("unit", unit)) != unit:
        raise UsageError(f"{where}.unit: is {given!r}, expected {unit!r}; convert the value")
    if (origin := table.get("origin", "assumption")) not in _ORIGINS:
        raise UsageError(f"{where}.origin: is {origin!r}; write assumption, measured or synthetic")
    source = table.get("source", "")
    if not isinstance(source, str) or (origin != "assumption" and not source):
        raise UsageError(f"{where}.source: state where the measured value comes from")
    return Input(name, Interval(low, value, high), unit, _ORIGINS[origin], source)


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{where}: {value!r} is not a number; correct it")
    if not math.isfinite(value) or value < 0 or value > 1e9:
        raise UsageError(f"{where}: {value:g} is out of range; give 0 to 1e9")
    return float(value)
