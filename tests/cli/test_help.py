"""What --help shows: it fits the terminal, every option is in a group, and its words are those of the trade."""

from __future__ import annotations

import re
from typing import Any

import pytest
import typer.main
from conftest import Loadgen

from loadgen.cli import VERBS, options
from loadgen.cli.app import EPILOG, build

GROUP: Any = typer.main.get_command(build())
NAMES = sorted(GROUP.commands)
FULL = ("run", "sweep")
MANY = 10
"""Options above which a verb must have groups of its own."""
NOT_FOR_PEOPLE = {
    "name of a format": re.compile(r"loadgen\.[a-z]+/\d"),
    "markup": re.compile(r"\[/?(?:bold|red|green|yellow|dim)\]|\\b|``|:func:|:class:"),
    "backtick": re.compile(r"`"),
    "type of Python": re.compile(r"<(?:str|bool|int|float|path|list\[|object)"),
}


def test_every_verb_is_here() -> None:
    assert set(NAMES) == {verb.__name__ for verbs in VERBS.values() for verb in verbs}


@pytest.mark.parametrize("columns", [80, 100])
@pytest.mark.parametrize("verb", NAMES)
def test_help_fits_the_terminal_and_holds_nothing_internal(
    verb: str, columns: int, here: Loadgen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = here(verb, "--help").stdout
    assert [line for line in shown.splitlines() if len(line) > columns] == []
    assert f"Example: loadgen {verb}" in shown
    for what, pattern in NOT_FOR_PEOPLE.items():
        assert pattern.findall(shown) == [], what


@pytest.mark.parametrize("columns", [80, 100])
def test_the_list_of_verbs_fits_the_terminal(columns: int, here: Loadgen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = here("--help").stdout.splitlines()
    assert [line for line in lines if len(line) > columns] == []
    for verb in NAMES:
        first = (GROUP.commands[verb].help or "").split("\n")[0]
        assert any(re.search(rf"^│ {verb} +{re.escape(first)} +│$", line) for line in lines), f"{verb} takes a line"
        assert first.endswith(".")
    assert "docs/glossary.md" in EPILOG
    assert NOT_FOR_PEOPLE["type of Python"].findall("\n".join(lines)) == []


def own_options(verb: str) -> list[Any]:
    return [p for p in GROUP.commands[verb].params if p.param_type_name == "option"]


@pytest.mark.parametrize("verb", NAMES)
def test_options_are_in_named_groups(verb: str) -> None:
    found = own_options(verb)
    assert all(option.rich_help_panel for option in found)
    assert list(dict.fromkeys(option.rich_help_panel for option in found))[-1] == options.OUTPUT
    if verb in FULL:
        groups = {option.rich_help_panel for option in found}
        assert groups == {
            options.LOAD, options.LENGTH, options.GENERATOR, options.CONNECTIONS, options.OBJECTIVES,
            options.DATABASE, options.OUTPUT,
        }  # fmt: skip
    elif len(found) > MANY:
        assert len({option.rich_help_panel for option in found}) > 2


@pytest.mark.parametrize("verb", NAMES)
def test_an_option_has_one_sentence_with_its_default_once(verb: str) -> None:
    for option in GROUP.commands[verb].params:
        text = option.help or ""
        assert re.fullmatch(r"[A-Z].*[.…]", text), f"{verb} {option.name}: {text!r}"
        shows = option.default is not None and option.show_default and option.default is not False
        assert text.count("Default:") <= (0 if shows and option.param_type_name == "option" else 1), option.name


def test_run_and_sweep_declare_what_they_share_once() -> None:
    """Same help, type and group; only defaults, and what --think and --duration mean, may differ."""
    run, sweep = ({option.opts[0]: option for option in own_options(verb)} for verb in FULL)
    for name in (run.keys() & sweep.keys()) - {"--think", "--duration"}:
        one, other = run[name], sweep[name]
        assert (one.help, one.metavar, one.rich_help_panel) == (other.help, other.metavar, other.rich_help_panel)


def test_defaults_are_shown_as_they_are_typed(here: Loadgen) -> None:
    shown = " ".join(here("sweep", "--help").stdout.split())
    for default in ("[default: 5s]", "[default: 30s]", "[default: 1, 2, 4, 8, 16, 32]", "[default: sequential]"):
        assert default in shown


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("run", "x", "--pool", "y"), "--pool y: expected an integer from 1 to 10000"),
        (("run", "x", "-u", "0"), "--users 0: expected an integer from 1 to 10000"),
        (("run", "x", "--mode=fast"), "--mode fast: expected sequential or pipeline"),
        (("run", "x", "--warmup", "soon"), "--warmup soon: expected a number and a unit (ms, s, m or h), such as 30s"),
        (("run", "x", "--duration", "8m30s"), "--duration 8m30s: expected a number and a unit"),
        (("run", "x", "--read-policy", "any"), "--read-policy any: expected primary, replica, round-robin or least-bu"),
        (("run", "x", "--read-your-writes", "yes"), "--read-your-writes yes: expected none, lsn, lsn:DURATION or"),
        (("run", "x", "--rate", "fast"), "--rate fast: expected a rate such as 500"),
        (("sweep", "x", "--levels", "1,1"), "--levels 1,1: expected each integer once"),
        (("sweep", "x", "--max-errors", "1"), "--max-errors 1: expected a percentage from 0% to 100%, such as 1%"),
        (("plan", "--mix", "a=2"), "--mix a=2: expected a number from 0 to 1"),
        (("seed", "--as-of", "31.07.2025"), "--as-of 31.07.2025: expected a date (year-month-day), such as 2026-01-31"),
        (("up", "--port", "80"), "--port 80: expected an integer from 1024 to 65535"),
    ],
)
def test_a_bad_value_is_one_line_that_says_what_is_right(arguments: tuple[str, ...], line: str, here: Loadgen) -> None:
    done = here(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"loadgen: {line}")
    assert done.stderr.count("\n") == 1
