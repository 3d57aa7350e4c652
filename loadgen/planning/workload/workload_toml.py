"""Writing of a workload block as the TOML file that :mod:`loadgen.planning.workload.workload_file` reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from capacity.values import Input, Interval
from capacity.workload import Event
from loadgen.planning.workload.workload_file import Block

HEADER = """\
# The workload block: the load per user, and the assumptions of the sizing rules. Every entry has a value, a range
# that holds the true value with a probability of 90 %, and an origin: "measured" (with its source), "synthetic"
# (from a load or a database that this tool made) or "assumption"."""

UNSTATED = (
    "# [policy.target_utilisation] is left out: the measured latency curve gives it; a value here overrides that."
)


def to_toml(block: Block, notes: Sequence[str] = ()) -> str:
    """Render the file of ``block``, with ``notes`` as comments on top."""
    parts = [HEADER, *(f"# {line}" for note in notes for line in note.splitlines())]
    workload = block.workload
    for factor in workload.factors:
        parts.append(_table(f"workload.{factor.name}", factor))
    for one in workload.mix:
        parts.append(_table(f"mix.{_key(one.scenario)}", one.share))
    for one in workload.mix:
        if one.read_share is not None:
            parts.append(_table(f"read_share.{_key(one.scenario)}", one.read_share))
    for entry in block.policy.inputs:
        if entry is block.policy.target_utilisation and not block.policy.target_stated:
            parts.append("\n" + UNSTATED)  # stated, it would take precedence over the measured curve
        else:
            parts.append(_table(f"policy.{entry.name}", entry))
    parts += [_event(event) for event in workload.events]
    return "\n".join(parts) + "\n"


def _table(name: str, entry: Input) -> str:
    lines = [*_ends("value", entry.value), f"unit = {_text(entry.unit)}", *_origin(entry)]
    return "\n".join(["", f"[{name}]", *lines])


def _event(event: Event) -> str:
    lines = [f"name = {_text(event.name)}", f"date = {event.date.isoformat()}"]
    if event.days is not None:
        lines.append(f"days = {event.days}")
    lines += [*_ends("factor", event.factor.value), f"on = {_text(event.on)}", *_origin(event.factor)]
    return "\n".join(["", "[[events]]", *lines])


def _ends(name: str, value: Interval) -> Iterator[str]:
    yield f"{name} = {_number(value.value)}"
    yield f"low = {_number(value.low)}"
    yield f"high = {_number(value.high)}"


def _origin(entry: Input) -> Iterable[str]:
    return (f"origin = {_text(str(entry.origin))}", f"source = {_text(entry.source)}")


def _number(value: float) -> str:
    return repr(float(value)).replace("e+", "e")


def _key(name: str) -> str:
    """TOML key, bare where that is valid."""
    return name if name and all(c.isascii() and (c.isalnum() or c in "_-") for c in name) else _text(name)


def _text(text: str) -> str:
    """TOML string: JSON's escapes are valid TOML, but DEL needs one more."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
