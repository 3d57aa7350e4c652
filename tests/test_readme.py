"""The README's commands work as printed, in order, for somebody who has nothing yet."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from loadgen.cli import VERBS

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")


def commands() -> list[list[str]]:
    """The lines of all console blocks that begin with a prompt, without their comments."""
    lines = [
        line.removeprefix("$ ")
        for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL)
        for line in block.splitlines()
        if line.startswith("$ ")
    ]
    assert len(lines) > 5
    return [shlex.split(line, comments=True) for line in lines]


def test_the_commands_work_as_printed(state_dir: Path, tmp_path: Path) -> None:
    environment = os.environ | {"LOADGEN_STATE_DIR": str(state_dir)}
    environment.pop("LOADGEN_RESULTS_DIR", None)
    for command in commands():
        assert command[0] == "loadgen"
        done = subprocess.run(
            [sys.executable, "-m", "loadgen", *command[1:]],
            env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        # 4 where this machine is too busy for a valid run: the command worked, and says so.
        assert done.returncode in ((0, 4) if command[1] in ("run", "sweep", "plan") else (0,)), done.stderr
        assert "Traceback" not in done.stderr
    assert list((tmp_path / "results").glob("*-plan-*/plan.json"))


def test_every_verb_that_it_names_exists() -> None:
    names = {verb.__name__ for verbs in VERBS.values() for verb in verbs}
    named = set(re.findall(r"`loadgen (\w+)", README))
    assert named
    assert named <= names
