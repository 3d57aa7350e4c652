"""The recipes of CONTRIBUTING.md: their diffs apply to what is here, and what they make passes `make check`."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RECIPES = re.findall(r"\[Diff\]\((docs/recipes/[\w-]+\.diff)\)", (ROOT / "CONTRIBUTING.md").read_text("utf-8"))


def test_each_recipe_has_its_diff() -> None:
    assert len(RECIPES) == 5
    assert {str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "recipes").iterdir()} == set(RECIPES)


@pytest.mark.ci
@pytest.mark.timeout(600)
def test_all_recipes_together_pass_the_checks(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    _run("git", "clone", "--quiet", str(ROOT), str(clone), cwd=tmp_path)
    for recipe in RECIPES:
        _run("git", "apply", "--3way", str(ROOT / recipe), cwd=clone)
    # The environment is this checkout's. Lock files that seem newer would have make install the clone into it.
    (clone / ".venv").symlink_to(ROOT / ".venv")
    for name in ("requirements.lock", "requirements-dev.lock", "build.lock", "pyproject.toml"):
        os.utime(clone / name, (0, 0))
    _run("make", "check", cwd=clone, env=os.environ | {"PYTHONPATH": str(clone)})


def _run(*command: str, cwd: Path, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command, cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    assert done.returncode == 0, done.stdout[-8000:]
