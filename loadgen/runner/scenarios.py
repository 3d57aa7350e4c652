"""Which locustfile a name means."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from loadgen.errors import EnvironmentFault, UsageError


def find_scenario(name: str) -> Path:
    """The locustfile that a name or path means: a path, ``scenarios/NAME.py`` here, else the shipped one.

    Raises UsageError that lists the shipped ones.
    """
    path = Path(name)
    if path.suffix == ".py":
        if path.is_file():
            return path
        raise UsageError(f"no scenario at {path}; give a locustfile or the name of one")
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
