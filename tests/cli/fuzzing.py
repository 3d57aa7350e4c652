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
    "..", "a/b", "-x", "x" * 300, "ü", "a b", "/", ".", "'; DROP TABLE users; --", "[/b]", "%s{0}",
    f"x://u:{SECRET}@h", "pg_catalog", "dashboard", "montecarlo,nothing",
)  # fmt: skip
PATHS = (
    "{place}/missing.csv", "{place}/missing/x.py", "{place}/directory", "{place}/file/below", "{place}/unreadable",
    "/dev/full", "/dev/null", "/dev/zero", "/dev/full/below", "{place}/pipe", "{place}/deep.json", "{place}/deep.toml",
    "{place}/dotted.toml", "{place}/hexadecimal.toml", "{place}/digits.toml", "{place}/binary.csv",
    "{place}/utf16.csv", "{place}/empty.csv", "{place}/empty.py", "{place}/sparse.csv", "{place}/sparse.json",
    "{place}/sparse.py", "{place}/loop", "{place}/" + "n" * 300, "/proc/results", "/proc/self/mem", "{place}/wide.csv",
    "{place}/record.json", "{place}/newer.json", "{place}/lines.csv", "{place}/table.toml", "{place}/surrogate.json",
    "{place}/tab\tand\nnewline.csv", "[/b]", "x" * LONG,
)  # fmt: skip
NOT_FOR_WRITING = frozenset(("/dev/full", "/dev/null", "/dev/zero", "{place}/file/below"))

KINDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("N", "PROBABILITY", "FACTOR", "MONTHS", "PERCENT", "N,N,…", "NAME=SHARE,…", "PORT"), NUMBERS),
    **dict.fromkeys(("DURATION", "pNN=DURATION"), TIMES),
    "RATE": RATES,
    "DSN": DSNS,
    **dict.fromkeys(("FILE", "DIR", "PROFILE"), PATHS),
    **dict.fromkeys(("NAME", "DATABASE", "HOST", "NAME,…"), NAMES),
}
"""By metavar. What has none of these is given values of every kind."""
ALL = (*NUMBERS, *TIMES, *NAMES, *PATHS)

ARGUMENT = ""
NEEDED: dict[str, dict[str, str]] = {
    "seed": {"--users": "10"},
    "workload": {"--requests": "{place}/requests.csv"},
    "forecast": {ARGUMENT: "{place}/history.csv"},
    "scalability": {ARGUMENT: "{place}/levels.csv"},
    "report": {ARGUMENT: "{place}/sweep.json"},
    "plan": {"--sweep": "{place}/sweep.json", "--history": "{place}/history.csv"},
    "export": {ARGUMENT: "dashboard", "--pgbench": "new"},
    **{verb: {ARGUMENT: "dashboard"} for verb in ("run", "sweep", "describe")},
}
"""What a verb cannot do without, while something else is tried."""
FOR_ANOTHER = frozenset((("psql", "arguments"),))
"""Arguments that go to another program as they are."""


@dataclass(frozen=True, slots=True)
class Case:
    """A command line, the environment besides, whether it must be refused, and whether files may change by it."""

    label: str
    arguments: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    refused: bool
    writes: bool

    def at(self, place: Path) -> tuple[list[str], dict[str, str]]:
        """The arguments and environment with the paths in ``place``."""
        arguments = [argument.replace(PLACE, str(place)) for argument in self.arguments]
        return arguments, {name: value.replace(PLACE, str(place)) for name, value in self.environment}


@dataclass(frozen=True, slots=True)
class _Parameter:
    verb: str
    name: str
    """Of an option with its dashes, of a variable; that of an argument is empty."""
    metavar: str
    writes: bool


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
        for parameter in command.params:
            if getattr(parameter, "is_flag", False):
                continue
            name = parameter.opts[0] if parameter.param_type_name == "option" else ARGUMENT
            words = (getattr(parameter, "help", None) or "").split()
            writes = words[:1] in (["Write"], ["Directory"])
            yield _Parameter(verb, name, parameter.metavar or "", writes)


def _variables() -> Iterator[_Parameter]:
    """Variables that are settings, as a parameter of a verb that reads them."""
    for setting in (*(field.name for field in fields(Settings)), "config"):
        metavar = "DSN" if "dsn" in setting else "NAME" if setting == "instance" else "DIR"
        yield _Parameter("checksum", f"LOADGEN_{setting.upper()}", metavar, writes=True)


def _case(parameter: _Parameter, chance: random.Random) -> Case:
    pool = KINDS.get(parameter.metavar, ALL)
    value = chance.choice(("", *ANYWHERE)) if chance.random() < 0.15 else chance.choice(pool)
    if parameter.verb == "psql" and not parameter.name:
        value = value.replace(SECRET, "")  # it shows what psql would be given
    label = f"{parameter.verb} {parameter.name or 'argument'} {value[:24]!r}"
    if parameter.name.startswith("LOADGEN_"):
        return Case(
            label, (parameter.verb, "--json"), ((parameter.name, value.replace("\0", "")),), refused=False, writes=True
        )
    needed = NEEDED.get(parameter.verb, {})
    words = [w for name, each in needed.items() if name != parameter.name for w in ([name, each] if name else [each])]
    if not parameter.name:
        words.append(value)
    else:
        words += chance.choice(((parameter.name, value), (f"{parameter.name}={value}",)))
    return Case(label, (parameter.verb, *words, "--json"), (), _is_refused(parameter, value, pool), parameter.writes)


def _is_refused(parameter: _Parameter, value: str, pool: tuple[str, ...]) -> bool:
    """Whether no verb takes the value: a path to write to may be good, and psql takes what it is given."""
    if value in ("", "\0", "a\0b", "\udcff"):
        return True
    if parameter.verb == "psql" or parameter.name == "--results-dir":  # the latter may not be looked at
        return False
    if pool is not PATHS:
        return pool in (NUMBERS, TIMES, RATES)
    if parameter.writes:
        return value in NOT_FOR_WRITING
    return not value.startswith("{place}/empty")  # of TOML it says: all as shipped


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
    hours = [f"2026-03-{1 + n // 24:02}T{n % 24:02}:00Z,{100 + n % 24}\n" for n in range(240)]
    (place / "requests.csv").write_text("timestamp,requests\n" + "".join(hours))
    shutil.copy(Path(__file__).parent.parent / "runs" / "golden" / "sweep-1.json", place / "sweep.json")
    return place
