"""Locustfiles by name."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final

from loadgen.errors import EnvironmentFault, UsageError
from loadgen.user_files import MIB, FileKind, read_text

FILE: Final = FileKind("a scenario", "give a locustfile or the name of one", MIB)
"""Assumption: a hundred times the longest that is shipped."""


def find_scenario(name: str) -> Path:
    """Find a locustfile by path or name: ``scenarios/NAME.py`` in the working directory, else the shipped one.

    Raises UsageError that lists the shipped ones.
    """
    path = Path(name)
    if path.suffix == ".py":
        if not path.exists():
            raise UsageError(f"no scenario at {path}; {FILE.advice}")
        read_text(path, FILE)
        return path
    shipped = _shipped()
    for folder in (Path("scenarios"), shipped):
        candidate = folder / f"{name}.py"
        if name.isidentifier() and name != "__init__" and candidate.is_file():
            return candidate
    known = ", ".join(sorted(p.stem for p in shipped.glob("*.py") if p.stem != "__init__"))
    raise UsageError(f"unknown scenario {name!r}; there are {known}, or give the path of a locustfile")


def _shipped() -> Path:
    spec = importlib.util.find_spec("scenarios")
    if spec is None or not spec.submodule_search_locations:
        raise EnvironmentFault("the package scenarios is not installed; install this tool again")
    return Path(next(iter(spec.submodule_search_locations)))
