"""``docs/python-api.md`` is true: its blocks run as printed, its signatures and codes are those of the code."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "python-api.md"
TEXT = DOCUMENT.read_text("utf-8")
SOURCE = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "capacity").rglob("*.py")))
MODULES = tuple(dict.fromkeys(re.findall(r"`(capacity\.[a-z_.]+?)(?:\.[a-z_]+\(|`)", TEXT)))
SIGNATURES = re.findall(
    r"`(?:capacity\.[a-z_.]+\.)?([a-z_]+)\(([^)…]*)\)`(?=:\s\*|\s\*(?:returns|takes)|\n\n|\sis the law)", TEXT
)


def blocks() -> list[tuple[int, str]]:
    """The line on which each block begins, and its code."""
    found = re.finditer(r"```python\n(.*?)```", TEXT, re.DOTALL)
    return [(TEXT[: block.start(1)].count("\n"), block[1]) for block in found]


def named(name: str) -> object:
    """What the document calls ``name``, from the modules that it mentions."""
    for path in MODULES:
        try:
            module = importlib.import_module(path)
        except ModuleNotFoundError:
            module = importlib.import_module(path.rpartition(".")[0])
        if hasattr(module, name):
            return getattr(module, name)
    pytest.fail(f"the document names {name}, which none of {MODULES} has")


def test_the_blocks_run_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    namespace: dict[str, object] = {"__name__": "document"}
    assert len(blocks()) >= 9
    for line, code in blocks():
        # Blank lines before it make a traceback name the line of the document.
        exec(compile("\n" * line + code, str(DOCUMENT), "exec"), namespace)  # our own document
    printed = capsys.readouterr().out
    assert "measure next:" in printed
    assert "because" in printed


@pytest.mark.parametrize(("name", "parameters"), SIGNATURES, ids=[name for name, _ in SIGNATURES])
def test_a_signature_is_that_of_the_function(name: str, parameters: str) -> None:
    function = named(name)
    assert callable(function)
    said = [part.strip().partition("=")[0] for part in parameters.split(",") if part.strip() != "*"]
    assert said == list(inspect.signature(function).parameters)


def test_the_functions_that_people_ask_for_are_there() -> None:
    wanted = {"forecast", "fit_usl", "erlang_c", "mean_value_analysis", "recommend_pool", "replicas_needed"}
    wanted |= {"service_demands", "latency_curve", "capacity_at_objective"}
    assert wanted <= {name for name, _ in SIGNATURES}
    assert "make_plan(" in TEXT


def test_every_name_between_backticks_exists_in_the_package() -> None:
    """Codes of refusals, fields and functions."""
    names = set(re.findall(r"`([a-z]+(?:_[a-z0-9]+)+)`", TEXT))
    assert "not_identified" in names
    missing = {name for name in names if not re.search(rf"\b{name}\b", SOURCE)}
    assert not missing
