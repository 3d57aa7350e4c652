"""Every option and argument of the command line, with values of its kind that go wrong.

Options are those of typer's own tree, so that a new one is tried without anybody thinking of it.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import typer.main

from loadgen.cli.app import build
from loadgen.settings import Settings

SECRET = "hush-S3cret"
PLACE = "{place}"
"""Stands in a value for the directory of :func:`make_place`."""

LONG = 1_000_000
ANYWHERE = ("\0", "a\0b", "\udcff", "\x1b[31mred", "line\nbreak", "\u202ereversed", "x" * LONG)
NUMBERS = ("-1", "1e999", "nan", "٣", "0x10", "9" * 30, "9" * 5_000, "1_0", "½", "--", "1 2", "inf", "-0x")
TIMES = ("5", "-5s", "nans", "٣s", "9" * 400 + "h", "1e3s", "5 s", "s", "1h30m", "0.0000001ms5")
RATES = ("0", "-5", "10..", "..10", "10@", "daily:", "daily:5..1@1h", "1@1s,,2", "9" * 30, "a" * LONG, "٣", "10..20")
DSNS = (
    f"postgresql://u:{SECRET}@127.0.0.1:1/x", f"host=127.0.0.1 port=1 user=u password={SECRET}",
    f"host=127.0.0.1 port=1 password='{SECRET}", f"postgresql://u:{SECRET}@[", f"u:{SECRET}@h/x",
    "host=127.0.0.1 port=1 dbname=x user=u", "host=127.0.0.1 port=x", "port=99999999999", "nonsense", "service=none",
    "host=\x1b[31m port=1", "host=/nowhere dbname=x", "hostaddr=999.1.1.1",
)  # fmt: skip
NAMES = (
    "..",
    "a/b",
    "-x",
    "x" * 300,
    "ü",
    "a b",
    "/",
    ".",
    "'; DROP TABLE users; --",
    "[/b]",
    "%s{0}",
    f"u:{SECRET}@h",
)
PATHS = (
    "{place}/missing.csv", "{place}/missing/x.py", "{place}/directory", "{place}/file/below", "{place}/unreadable",
    "/dev/full", "/dev/null", "/dev/zero", "/dev/full/below", "{place}/pipe", "{place}/deep.json", "{place}/deep.toml",
    "{place}/dotted.toml", "{place}/hexadecimal.toml", "{place}/digits.toml", "{place}/binary.csv",
    "{place}/utf16.csv", "{place}/empty.csv", "{place}/empty.py", "{place}/sparse.csv", "{place}/sparse.json",
    "{place}/sparse.py", "{place}/loop", "{place}/" + "n" * 300, "/proc/results", "/proc/self/mem", "{place}/wide.csv",
    "{place}/record.json", "{place}/newer.json", "{place}/lines.csv", "{place}/table.toml", "{place}/surrogate.json",
    "{place}/tab\tand\nnewline.csv", "[/b]", "x" * LONG,
)  # fmt: skip
NOT_FOR_WRITING = frozenset(("/dev/full", "/dev/null", "/dev/zero", "{place}/directory", "{place}/file/below"))

KINDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("N", "P", "X", "S", "J", "MONTHS", "N,N,…", "NAME=SHARE,…", "PORT"), NUMBERS),
    **dict.fromkeys(("TIME", "pNN=TIME"), TIMES),
    "R": RATES,
    "DSN": DSNS,
    **dict.fromkeys(("FILE", "DIR", "PROFILE"), PATHS),
    **dict.fromkeys(("NAME", "DATABASE", "HOST", "NAME,…"), NAMES),
}
"""By metavar. What has none of these is given values of every kind."""
ALL = (*NUMBERS, *TIMES, *NAMES, *PATHS)

REQUIRED = {
    "SCENARIO": "dashboard",
    "RECORD": "{place}/sweep.json",
    "FILE.csv|SWEEP": "{place}/levels.csv",
    "DIR": "new",
}
"""What a verb cannot do without, by metavar, when something else is tried."""
ALSO = {
    "seed": ("--users", "10"),
    "workload": ("--requests", "{place}/requests.csv"),
    "forecast": ("{place}/history.csv",),
}
"""What some verbs need one of."""
FOR_ANOTHER = frozenset((("psql", "arguments"),))
"""Arguments that go to another program as they are."""


@dataclass(frozen=True, slots=True)
class Case:
    """A command line, the environment besides, and whether it must be refused."""

    label: str
    arguments: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    refused: bool

    def at(self, place: Path) -> tuple[list[str], dict[str, str]]:
        """The arguments and environment with the paths in ``place``."""
        arguments = [argument.replace(PLACE, str(place)) for argument in self.arguments]
        return arguments, {name: value.replace(PLACE, str(place)) for name, value in self.environment}


@dataclass(frozen=True, slots=True)
class _Parameter:
    verb: str
    option: str | None
    """None: an argument."""
    name: str
    metavar: str
    writes: bool
    others: tuple[str, ...]
    """What stands before it on the command line."""


def cases(seed: int) -> Iterator[Case]:
    """Without end: every option, argument and variable in random order, then each again with another value."""
    chance = random.Random(seed)
    parameters = [*_parameters(), *_variables()]
    while True:
        chance.shuffle(parameters)
        for parameter in parameters:
            yield _case(parameter, chance)


def _parameters() -> Iterator[_Parameter]:
    group = typer.main.get_command(build())
    for verb, command in group.commands.items():  # type: ignore[attr-defined]
        values = [p for p in command.params if not getattr(p, "is_flag", False)]
        for parameter in values:
            metavar = (parameter.metavar or "").strip("[]…-").removesuffix("]")
            is_option = parameter.param_type_name == "option"
            others = [
                word
                for other in values
                if other.required and other is not parameter
                for word in ([other.opts[0]] if other.param_type_name == "option" else [])
                + [REQUIRED[other.metavar or ""]]
            ]
            if parameter.name not in ("file", "requests", "profile", "record"):
                others += ALSO.get(verb, ())
            words = (getattr(parameter, "help", None) or "").split()
            yield _Parameter(
                verb, parameter.opts[0] if is_option else None, str(parameter.name), metavar,
                writes=words[:1] in (["Write"], ["Where"]), others=tuple(others),
            )  # fmt: skip


def _variables() -> Iterator[_Parameter]:
    """Variables that are settings, as a parameter of a verb that reads them."""
    kinds = {"dsn": "DSN", "instance": "NAME"}
    for setting in (*(field.name for field in fields(Settings)), "config"):
        metavar = "DSN" if "dsn" in setting else kinds.get(setting, "DIR")
        yield _Parameter("checksum", None, f"LOADGEN_{setting.upper()}", metavar, writes=True, others=())


def _case(parameter: _Parameter, chance: random.Random) -> Case:
    pool = KINDS.get(parameter.metavar, ALL)
    value = chance.choice(("", *ANYWHERE)) if chance.random() < 0.15 else chance.choice(pool)
    is_variable = parameter.name.startswith("LOADGEN_")
    # What would be written is refused only where it cannot be; what another program takes, never for its value.
    refused = value in ("", "\0", "a\0b", "\udcff") or (
        (pool is PATHS and not parameter.writes) or value in NOT_FOR_WRITING
        if pool is PATHS
        else pool in (NUMBERS, TIMES, RATES)
    )
    refused = refused and (parameter.verb, parameter.name) not in FOR_ANOTHER and not is_variable
    if is_variable:
        given: tuple[str, ...] = ()
    elif parameter.option is None:
        given = (value,)
    else:
        given = chance.choice(((parameter.option, value), (f"{parameter.option}={value}",)))
    label = f"{parameter.verb} {parameter.option or parameter.name} {value[:24]!r}"
    environment = ((parameter.name, value.replace("\0", "")),) if is_variable else ()
    return Case(label, (parameter.verb, *parameter.others, *given, "--json"), environment, refused)


def make_place(place: Path) -> Path:
    """A directory with every kind of file and path in it."""
    place.mkdir()
    (place / "directory").mkdir()
    (place / "file").write_text("a file")
    (place / "unreadable").write_text("date,value\n")
    (place / "unreadable").chmod(0)
    os.mkfifo(place / "pipe")
    (place / "loop").symlink_to("loop")
    (place / "deep.json").write_text("[" * 200_000)
    (place / "deep.toml").write_text("a = " + "[" * 100_000)
    (place / "dotted.toml").write_text("a." * 100_000 + "a = 1")
    (place / "hexadecimal.toml").write_text("[workload.peak_to_mean]\nvalue = 0x" + "f" * 20_000)
    (place / "digits.toml").write_text("[workload.peak_to_mean]\nvalue = " + "9" * 20_000)
    (place / "table.toml").write_text("loadgen = 1\nworkload = 2\nservers = 3\n")
    (place / "binary.csv").write_bytes(bytes(range(256)) * 1_000)
    (place / "utf16.csv").write_text("date,value\n2026-01-01,5\n", "utf-16")
    for name in ("empty.csv", "empty.py"):
        (place / name).touch()
    for name in ("sparse.csv", "sparse.json", "sparse.py"):
        with (place / name).open("wb") as file:
            file.truncate(4 << 30)
    (place / "wide.csv").write_text("value," * 100_000 + "date\n" + "1," * 100_000 + "1\n")
    (place / "lines.csv").write_text("\n" * 2_000_000)
    (place / "record.json").write_text('{"format": "loadgen.run/1", "id": "\x7f"}')
    (place / "newer.json").write_text('{"format": "loadgen.sweep/' + "9" * 5_000 + '"}')
    (place / "surrogate.json").write_text('{"format": "loadgen.plan/1", "id": "\\ud800"}')
    (place / "tab\tand\nnewline.csv").write_text("no,columns\n")
    (place / "history.csv").write_text(
        "date,value\n" + "".join(f"20{20 + n // 12}-{n % 12 + 1:02}-01,{1000 + 50 * n}\n" for n in range(12))
    )
    (place / "levels.csv").write_text("concurrency,throughput\n1,100\n2,190\n4,300\n8,310\n16,250\n")
    (place / "requests.csv").write_text("timestamp,requests\n2026-03-01T00:00:00Z,100\n")
    shutil.copy(Path(__file__).parent.parent / "runs" / "golden" / "sweep-1.json", place / "sweep.json")
    return place
