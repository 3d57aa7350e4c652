"""The commands of a document, and a real shell that runs them as printed.

A block ``console`` holds prompts ``$`` with what they print below. A line of ``echo $?`` states the exit code of the
command before. A block with a file's name behind its language is that file. Of a table, code in a row's last cell that
begins with ``loadgen`` is a command.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from conftest import create_database
from forked import Forker

from loadgen.database.target import Target

ROOT = Path(__file__).parent.parent
HISTORY = "loadgen/planning/example_history.csv"
"""The one file of the repository that the README's commands name."""

LONGEST_S = 240
TOO_BUSY = {"generator_late", "generator_saturated", "not_steady", "warmup_too_short"}
"""What a run says of itself on a machine that is too busy for it."""

_PARTS = re.compile(r"^#+ ([^\n]+)$|^```(\w+)(?: (\S+))?\n(.*?)^```$|^\|[^\n]*\| (`[^\n]+`) \|$", re.M | re.S)


@dataclass(frozen=True)
class Command:
    """One prompt. ``printed``: what the document shows below it, without what is left out (…)."""

    text: str
    code: int
    printed: tuple[str, ...]


@dataclass
class Section:
    """A heading's commands and files, by name, in order."""

    title: str
    files: dict[str, str] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)


@dataclass(frozen=True)
class Done:
    """A command that was run, with all that it printed."""

    command: Command
    code: int
    output: str
    seconds: float

    @property
    def was_hindered(self) -> bool:
        """Whether a run of it is not valid because this machine is too busy, and none for another reason."""
        codes = re.findall(r"  invalid: (\w+)", self.output) or re.findall(r"no valid answer \((\w+)\)", self.output)
        return bool(codes) and TOO_BUSY.issuperset(codes)

    def faults(self) -> list[str]:
        """What is not as the document says. Exit code 4 is right where this machine is too busy."""
        if self.code == 4 and self.was_hindered:
            return []
        found = []
        if self.code != self.command.code or "Traceback" in self.output:
            found.append(f"exit code {self.code}, expected {self.command.code}: {self.output}")
        beginnings = {_beginning(line) for line in self.output.splitlines()}
        found += [f"not printed: {line}" for line in self.command.printed if _beginning(line) not in beginnings]
        return [f"$ {self.command.text}\n{fault}" for fault in found]


def sections(text: str) -> list[Section]:
    """Those headings of a document that have commands, or files."""
    found = [Section("")]
    for part in re.finditer(_PARTS, text):
        title, language, name, body, cells = part.groups()
        if title:
            found.append(Section(title))
        elif cells:
            if row := re.findall(r"`(loadgen .+?)`", cells.replace("\\|", "|")):
                found[-1].commands.append(Command(" && ".join(row), 0, ()))
        elif name:
            found[-1].files[name] = body
        elif language == "console":
            found[-1].commands += _prompts(body)
    return [section for section in found if section.commands or section.files]


def _prompts(block: str) -> list[Command]:
    found: list[Command] = []
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        text, _, rest = part.partition("\n")
        while text.endswith("\\"):
            more, _, rest = rest.partition("\n")
            text = f"{text}\n{more}"
        printed = tuple(line for line in rest.splitlines() if line.strip() and not line.strip().startswith("…"))
        if text == "echo $?":
            found[-1] = Command(found[-1].text, int(printed[0]), found[-1].printed)
        else:
            found.append(Command(text, 0, printed))
    return found


def _beginning(line: str) -> str:
    """A line's first word, if it is one."""
    words = re.findall(r"[^\W\d_]{2,}", line)
    return words[0] if words else ""


def _run(section: Section, directory: Path, environment: Mapping[str, str]) -> list[Done]:
    """Run a section's commands in one shell, in ``directory``, where its files are written first."""
    for name, body in section.files.items():
        (directory / name).write_text(body)
    with tempfile.TemporaryDirectory() as kept:
        steps = (
            f'{{\n{command.text}\n}} >{kept}/{n} 2>&1\necho "$? $EPOCHREALTIME"'
            for n, command in enumerate(section.commands)
        )
        script = "\n".join(("echo 0 $EPOCHREALTIME", *steps))
        shell = subprocess.run(
            ["bash", "-c", script], cwd=directory, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=LONGEST_S, check=True,
        )  # fmt: skip
        ends = [line.split() for line in shell.stdout.splitlines()]
        return [
            Done(command, int(code), (Path(kept) / str(n)).read_text(), float(ended) - float(began))
            for n, (command, (_, began), (code, ended)) in enumerate(
                zip(section.commands, ends[:-1], ends[1:], strict=True)
            )
        ]


@dataclass
class Place:
    """A directory, an environment in which ``loadgen`` is a program, and a database that it finds there."""

    directory: Path
    environment: dict[str, str]
    database: Target

    def run(self, section: Section, replaced: Mapping[str, str] | None = None) -> list[Done]:
        """Run it, with the document's names of servers ``replaced`` by those of the test."""
        commands = section.commands
        for name, real in (replaced or {}).items():
            commands = [replace(c, text=c.text.replace(name, real)) for c in commands]
        done = _run(replace(section, commands=commands), self.directory, self.environment)
        for one in done:
            print(f"{one.seconds:5.1f} s, exit {one.code}  $ {one.command.text}\n{one.output}")
        return done


@pytest.fixture(scope="module")
def place(server: Target, _forker: Forker, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Where a newcomer begins: nothing is there but the repository's example."""
    directory = tmp_path_factory.mktemp("documents")
    (directory / HISTORY).parent.mkdir(parents=True)
    shutil.copy(ROOT / HISTORY, directory / HISTORY)
    programs = directory / "bin"
    programs.mkdir()
    _forker.program(programs / "loadgen")
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    database = create_database(server)
    environment = os.environ | database.environment() | {"PATH": path, "PYTHONPATH": str(ROOT)}
    environment.pop("LOADGEN_RESULTS_DIR", None)
    return Place(directory, environment, database)


@pytest.fixture(scope="module")
def seeded_place(place: Place) -> Place:
    """There, with the README's first command done."""
    first = README[0].commands[0]
    assert not faults(place.run(Section("", {}, [first])))
    return place


def faults(done: list[Done]) -> str:
    """All that is not as the documents say; after a command that this machine was too busy for, exit codes alone."""
    faults: list[str] = []
    hindered = False
    for each in done:
        judged = replace(each, command=replace(each.command, printed=())) if hindered else each
        faults += judged.faults()
        hindered = hindered or each.was_hindered
    return "\n".join(faults)


README = sections((ROOT / "README.md").read_text("utf-8"))
RECIPES = {each.title: each for each in sections((ROOT / "docs" / "cookbook.md").read_text("utf-8"))}
