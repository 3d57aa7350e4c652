"""What a signal does to a process, each in a small one of its own: ``loadgen.interrupts`` without a command."""

from __future__ import annotations

import array
import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time

import pytest

_PROGRAM = """
import os, signal, sys, time
from loadgen import interrupts

def kill(number=signal.SIGTERM):
    os.kill(os.getpid(), number)

interrupts.install(lambda: print("at once"))
def work():
{work}
try:
    interrupts.interruptible(work)
    print("went on")
except BaseException as error:
    print(type(error).__name__)
interrupts.clean_up()
print("received" if interrupts.received() else "nothing received")
"""


def outcome(work: str, before: str = "") -> list[str]:
    """The lines of a process that does this work; nothing else may be said."""
    body = "\n".join(f"    {line}" for line in work.strip().splitlines())
    program = before + _PROGRAM.format(work=body)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert not ended.stderr
    return ended.stdout.splitlines()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_raises_within_the_command(name: str) -> None:
    assert outcome(f"kill(signal.{name})\nprint('not this')") == ["KeyboardInterrupt", "received"]


def test_before_the_command_the_process_ends() -> None:
    code = (
        "from loadgen import interrupts; import os\n"
        "interrupts.install(lambda: print('at once')); os.kill(os.getpid(), 2)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "at once\n", "")


def test_what_swallows_it_hears_it_again() -> None:
    swallowed = """
class Closing:
    def __del__(self):
        kill()
Closing()
for _ in range(1000): time.sleep(0.01)
print('not this')
"""
    assert outcome(swallowed) == ["KeyboardInterrupt", "received"]


def test_while_it_is_handled_it_is_not_raised_again() -> None:
    """Nor by the user's second signal: what clears away in a finally clause is not broken off."""
    assert outcome("try:\n    kill()\nfinally:\n    kill()\n    time.sleep(0.5)\n    print('cleared')") == [
        "cleared", "KeyboardInterrupt", "received",
    ]  # fmt: skip


def test_a_deferred_section_is_done_whole() -> None:
    work = "with interrupts.deferred():\n    kill()\n    kill()\n    print('whole')\nprint('not this')"
    assert outcome(work) == ["whole", "KeyboardInterrupt", "received"]


def test_a_wait_in_a_deferred_section_is_ended() -> None:
    work = "with interrupts.deferred():\n    kill()\n    with interrupts.allowed():\n        print('not this')"
    assert outcome(work) == ["KeyboardInterrupt", "received"]


def test_what_hangs_is_broken_by_one_more_signal() -> None:
    work = "interrupts._PATIENCE_S = 0.0\nwith interrupts.deferred():\n    kill()\n    kill()\n    print('not this')"
    assert outcome(work) == ["KeyboardInterrupt", "received"]


def test_a_section_that_sees_to_it_goes_on() -> None:
    work = "with interrupts.finishing():\n    kill()\n    print(interrupts.received())\nkill()"
    assert outcome(work) == ["True", "went on", "received"]


def test_what_an_interrupt_kept_from_being_cleared_away_is_cleared_at_the_end() -> None:
    work = "interrupts.register(lambda: print('cleared'))\nkill()"
    assert outcome(work) == ["KeyboardInterrupt", "cleared", "received"]
    work = "with interrupts.cleanup(lambda: print('cleared')):\n    kill()"
    assert outcome(work) == ["cleared", "KeyboardInterrupt", "received"]


def test_an_ignored_signal_stays_ignored() -> None:
    """As nohup, or a shell's background job, starts it."""
    before = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    assert outcome("kill(signal.SIGHUP)", before) == ["went on", "nothing received"]


def test_a_terminal_that_is_gone_takes_no_error() -> None:
    """What is said after a hang-up must not break off what is being kept."""
    keep = """
with interrupts.finishing():
    os.write(3, b"ready")
    while not interrupts.received(): time.sleep(0.01)
    print("lost", flush=True)
    os.write(3, b"kept")
"""
    program = _PROGRAM.format(work="\n".join(f"    {line}" for line in keep.splitlines()))
    read, write = os.pipe()
    pid, terminal = pty.fork()
    if pid == 0:
        os.dup2(write, 3)
        os.execv(sys.executable, [sys.executable, "-c", program])
    os.close(write)
    assert os.read(read, 5) == b"ready"
    os.close(terminal)  # the hang-up, at which the kernel sends SIGHUP
    assert os.read(read, 5) == b"kept"
    os.close(read)
    os.waitpid(pid, 0)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_while_python_ends_changes_nothing(name: str) -> None:
    """Python drops its handlers before it clears the modules, which takes a while after large imports."""
    code = (
        "import os, signal; from loadgen import interrupts\n"
        "class Late:\n"
        f"    def __del__(self, kill=os.kill, pid=os.getpid(), number=signal.{name}, write=os.write):\n"
        "        kill(pid, number); write(1, b'to the end')\n"
        "interrupts.install(lambda: None)\n"
        "late = Late()\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "to the end", "")


def test_a_document_that_waits_for_its_reader_is_whole() -> None:
    """Without Python's buffer, a write to a full pipe that a signal interrupts would lose what is not written yet."""
    code = (
        "from loadgen import interrupts; from loadgen.cli.output import emit\n"
        "interrupts.install(lambda: None)\n"
        "interrupts.interruptible(lambda: emit('x' * 300_000))\n"
    )
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        unread = array.array("i", [0])
        deadline = time.monotonic() + 20
        while unread[0] < select.PIPE_BUF and time.monotonic() < deadline:
            time.sleep(0.01)
            fcntl.ioctl(process.stdout, termios.FIONREAD, unread)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        written = process.stdout.read()
    assert written == b"x" * 300_000 + b"\n"
