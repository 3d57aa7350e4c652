"""Verdict on a run: whether it is valid, and limits of its use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

RunStatus = Literal["valid", "invalid", "partial"]


MAX_ERROR_SHARE: Final = 0.01
"""Default for the largest share of a run's transactions that may fail; assumption."""


INTERRUPTED: Final = "interrupted"
"""Reason code of a run that a signal to its own process ended: exit code 130."""
TOO_MANY_ERRORS: Final = "too_many_errors"
"""Reason code that makes the exit code 1, whatever the other reasons."""


@dataclass(frozen=True)
class Reason:
    """Reason against a run, or limit of its use: a code, the observation, and the remedy."""

    code: str
    what: str
    do: str


@dataclass(frozen=True)
class Verdict:
    """Verdict on a run. ``partial``: it ended early or lost a part of its load; the rest is kept."""

    status: RunStatus
    reasons: tuple[Reason, ...] = ()
    notes: tuple[Reason, ...] = ()
    """Limits of use that do not make the run invalid: short, checkpoints forced, shared cores."""

    @property
    def interrupted(self) -> bool:
        """True if a signal to the run's own process ended it."""
        return any(reason.code == INTERRUPTED for reason in self.reasons)

    @property
    def too_many_errors(self) -> Reason | None:
        return next((reason for reason in self.reasons if reason.code == TOO_MANY_ERRORS), None)

    @property
    def first_line(self) -> str:
        """First reason, with the errors if there are too many; "" for no reason."""
        if not self.reasons:
            return ""
        first, errors = self.reasons[0], self.too_many_errors
        more = f"; {errors.what}" if errors is not None and errors != first else ""
        return f"{first.what}{more}; {first.do}"
