"""Whether the numbers of a run mean what they say, and what limits their use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RunStatus = Literal["valid", "invalid", "partial"]


@dataclass(frozen=True)
class Reason:
    """Why a run is not valid, or what limits its use: a code, what was seen, what to change."""

    code: str
    what: str
    do: str


@dataclass(frozen=True)
class Verdict:
    """``valid``: the numbers mean what they say. ``partial``: interrupted, what was measured is kept."""

    status: RunStatus
    reasons: tuple[Reason, ...] = ()
    notes: tuple[Reason, ...] = ()
    """Limits of use that do not make the run invalid: short, checkpoints forced, shared cores."""
