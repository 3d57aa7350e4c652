"""The error tree, and the exit codes that it maps to.

LoadgenError
├── NegativeAnswer        1   the work was done and the answer is no
├── UsageError            2   the command, a file or a value is wrong
├── EnvironmentFault      3   no server, no privilege, no disk, guard refused
│   └── GuardRefusal      3
└── RefusalError          4   no valid answer; carries a ``capacity`` Refusal

Where several exit codes fit an outcome, the first of these counts, for every verb::

    130   a signal to this process ended it
    2, 3  the work could not begin
    1     the record proves a no: too many errors in any run; an objective missed in a valid run
    4     no valid answer: a fault in the run, a generator that was lost or killed, too little of anything
    0     done

Every message is one line that says what was wrong, where, and what to do. They never show a traceback:
``loadgen.cli.main`` prints the message to stderr and, under ``--json``, one document to stdout.
"""

from __future__ import annotations

from enum import IntEnum

from capacity.values import Refusal


class ExitCode(IntEnum):
    """Exit code of a command."""

    DONE = 0
    NO = 1
    USAGE = 2
    ENVIRONMENT = 3
    NO_VALID_ANSWER = 4
    INTERRUPTED = 130


class LoadgenError(Exception):
    """Base of all errors whose message is shown to the user in one line."""

    exit_code = ExitCode.ENVIRONMENT

    document: str | None = None
    """Document for ``--json`` in place of the error's own: the record of a run that was refused."""


class NegativeAnswer(LoadgenError):
    """The answer of a command is no: an objective was missed, a reset was declined."""

    exit_code = ExitCode.NO


class UsageError(LoadgenError):
    """Bad input: a flag, a file, a value."""

    exit_code = ExitCode.USAGE


class EnvironmentFault(LoadgenError):
    """The environment prevents the work: server, privilege, disk, port."""

    exit_code = ExitCode.ENVIRONMENT


class GuardRefusal(EnvironmentFault):
    """The database is not marked as synthetic."""


class RefusalError(LoadgenError):
    """No valid answer can be given; ``refusal`` names the measurement that is missing."""

    exit_code = ExitCode.NO_VALID_ANSWER

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"no valid answer ({refusal.code}): {refusal.missing}; {refusal.do}")
        self.refusal = refusal
