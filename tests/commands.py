"""The commands of a document, and a real shell that runs them as printed.

A block ``console`` holds prompts ``$`` with what they print below. A line of ``echo $?`` states the exit code of the
command before. A block with a file's name behind its language is that file. Of a table, code in a row's last cell that
begins with ``loadgen`` is a command.
"""

from __future__ import annotations

import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

TOO_BUSY = ("generator_late", "generator_saturated", "not_steady", "warmup_too_short", "silent", "too_few_repeats")
"""Why a machine that is too busy has no valid answer."""


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

    def faults(self) -> list[str]:
        """What is not as the document says. Exit code 4 is right where this machine is too busy, and then says so."""
        if self.code == 4 and self.command.code != 4 and any(f"({why})" in self.output for why in TOO_BUSY):
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
    for part in re.finditer(r"^#+ (.+)$|^```(\w+)(?: (\S+))?\n(.*?)^```$|^\|.*\| (`.+`) \|$", text, re.M | re.S):
        title, language, name, body, cells = part.groups()
        if title:
            found.append(Section(title))
        elif cells:
            found[-1].commands += [
                Command(text.replace("\\|", "|"), 0, ()) for text in re.findall(r"`(loadgen .+?)`", cells)
            ]
        elif name:
            found[-1].files[name] = body
        elif language == "console":
            found[-1].commands += _prompts(body)
    return [section for section in found if section.commands or section.files]


def run(section: Section, directory: Path, environment: dict[str, str]) -> list[Done]:
    """Run a section's commands in one shell, in ``directory``, where its files are written first."""
    for name, body in section.files.items():
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text(body)
    done = []
    script = "\n".join(f"{{\n{c.text}\n}} >.output 2>&1 </dev/null\necho $?; read -r" for c in section.commands)
    with subprocess.Popen(
        ["bash", "-c", script], cwd=directory, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as shell:
        assert shell.stdin is not None
        assert shell.stdout is not None
        for command in section.commands:
            began = time.monotonic()
            code = int(shell.stdout.readline())
            output = (directory / ".output").read_text()
            done.append(Done(command, code, output, time.monotonic() - began))
            shell.stdin.write("\n")
            shell.stdin.flush()
    return done


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
