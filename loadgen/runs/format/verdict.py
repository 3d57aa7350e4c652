"""Whether the numbers of a run mean what they say, and what limits their use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

RunStatus = Literal["valid", "invalid", "partial"]


MAX_ERROR_SHARE: Final = 0.01
"""Of a run's transactions, how many may fail where nothing else is asked for; assumption."""


INTERRUPTED: Final = "interrupted"
"""The reason of a run that a signal to its own process ended: exit code 130."""
TOO_MANY_ERRORS: Final = "too_many_errors"
"""The reason that proves a no, whatever else there is: it makes the exit code 1."""


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

    @property
    def interrupted(self) -> bool:
        """Whether a signal to the run's own process ended it."""
        return any(reason.code == INTERRUPTED for reason in self.reasons)

    @property
    def too_many_errors(self) -> Reason | None:
        return next((reason for reason in self.reasons if reason.code == TOO_MANY_ERRORS), None)

    @property
    def first_line(self) -> str:
        """What people read first: the first reason, and the errors if they prove a no behind it; "" for no reason."""
        if not self.reasons:
            return ""
        first, errors = self.reasons[0], self.too_many_errors
        more = f"; {errors.what}" if errors is not None and errors != first else ""
        return f"{first.what}{more}; {first.do}"
