"""Sample a scenario's draws in a child process, since draws are the scenario's own Python."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import orjson
from pydantic import TypeAdapter

from loadgen.errors import EnvironmentFault, UsageError
from loadgen.runner.child import as_error
from loadgen.runs.control import Failed
from loadgen.runs.draws import SampleRequest, SampleResult

TIMEOUT_S: Final = 300.0


def sample(scenario: Path, request: SampleRequest, environment: Mapping[str, str]) -> SampleResult:
    """Sample a scenario's draws. ``environment`` gives the child its database (see ``Target.environment``).

    Raises the child's own LoadgenError, and EnvironmentFault for one that hangs.
    """
    try:
        child = subprocess.run(
            [sys.executable, "-m", "loadgen.engine.draws_child", str(scenario)],
            input=orjson.dumps(request),
            capture_output=True,
            env={**os.environ, **environment},
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFault(
            f"{scenario}: drawing its parameters took more than {TIMEOUT_S:g} s; ask for fewer with --variants"
        ) from error
    if not child.stdout:
        stderr = child.stderr.decode(errors="replace").strip().splitlines()
        raise UsageError(f"{scenario} could not be loaded: {stderr[-1] if stderr else f'exit code {child.returncode}'}")
    answer: SampleResult | Failed = TypeAdapter[SampleResult | Failed](SampleResult | Failed).validate_json(
        child.stdout
    )
    if isinstance(answer, SampleResult):
        return answer
    raise as_error(answer)
