"""The process that samples a scenario's draws, for exports: ``python -m loadgen.engine.draws_child SCENARIO.py``.

Reads one :class:`SampleRequest` from stdin and writes one line: ``SampleResult`` or ``Failed``. Draws that need rows
connect to the server that the environment names.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

import orjson
from pydantic import TypeAdapter

from loadgen import settings
from loadgen.database.connect import connect, resolve
from loadgen.database.guard import ALLOW_UNMARKED_VARIABLE, require_synthetic
from loadgen.engine.child import load_scenario
from loadgen.engine.endpoints import STATEMENT_TIMEOUT_MS
from loadgen.engine.rows import RowReader
from loadgen.engine.sampling import Sampler
from loadgen.engine.transactions import MAX_ATTEMPTS
from loadgen.errors import LoadgenError, UsageError
from loadgen.population.activity import ActivityRanks
from loadgen.runs.control import Failed
from loadgen.runs.draws import NotExportable, SampleRequest, SampleResult, StepDraws


def sample(path: Path, request: SampleRequest) -> SampleResult:
    """Load the scenario and sample what its transactions draw."""
    user = load_scenario(path)

    @cache
    def reader() -> RowReader:
        connection = connect(resolve(settings.load()), autocommit=True)
        # Values drawn from rows end up in files, so the rows must be synthetic.
        require_synthetic(connection, os.environ.get(ALLOW_UNMARKED_VARIABLE))
        connection.execute("SELECT set_config('statement_timeout', %s, false)", (str(STATEMENT_TIMEOUT_MS),))
        return RowReader(connection, ActivityRanks(request.users, request.data_seed), user.user_skew)

    try:
        user.prepare()
    except Exception as error:  # a scenario's own code
        raise UsageError(f"{path}: prepare() failed: {error!r}; correct it") from error
    sampler = Sampler(request, reader)
    steps = [step for plan in user.plans().values() for step in sampler.plan(plan)]
    return SampleResult(
        user.describe(),
        tuple(step for step in steps if isinstance(step, StepDraws)),
        tuple(step for step in steps if isinstance(step, NotExportable)),
        STATEMENT_TIMEOUT_MS,
        MAX_ATTEMPTS,
    )


def main() -> None:
    """Run the process; stdout is for the answer, and what a scenario prints goes to stderr."""
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    answer: SampleResult | Failed
    try:
        answer = sample(Path(sys.argv[1]), TypeAdapter(SampleRequest).validate_json(sys.stdin.buffer.read()))
    except LoadgenError as error:
        answer = Failed(exit_code=int(error.exit_code), message=str(error))
    output.write(orjson.dumps(answer) + b"\n")
    output.close()


if __name__ == "__main__":
    main()
