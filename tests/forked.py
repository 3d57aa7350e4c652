"""The command line in processes forked from one that has imported it.

As ``python -m loadgen``, without the second of imports that each of hundreds of calls would take.

``python forked.py SOCKET`` listens there. A call sends its arguments, environment and directory with descriptors for
stdout and stderr, and reads the process's id, and at its end the exit code. Where the first argument is a file of
Python, that runs as ``python FILE`` would, in a process group of its own. For shells ``python forked.py --call SOCKET
ARGUMENT…`` is such a call: :meth:`Forker.program`.
"""

from __future__ import annotations

import json
import os
import runpy
import select
import shlex
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from subprocess import PIPE, CompletedProcess, Popen, TimeoutExpired

PRELOADED = (
    "loadgen.cli",
    "numpy",
    "orjson",
    "psycopg",
    "pydantic",
    "rich.progress",
    "rich.table",
    "loadgen.runner.run",
)


class Forker:
    """The process that is forked, and calls of it. Calls of several threads run at once."""

    def __init__(self, directory: Path) -> None:
        self._path = str(directory / "calls")
        self._process = Popen([sys.executable, __file__, self._path], stdin=PIPE)

    def close(self) -> None:
        self._process.communicate()

    def call(
        self, arguments: tuple[str, ...], environment: dict[str, str], directory: Path, timeout_s: float
    ) -> CompletedProcess[str]:
        """As ``subprocess.run`` does it. Raises TimeoutExpired, having killed the process."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err, self._connected() as connection:
            _ask(connection, arguments, environment, str(directory), (out.fileno(), err.fileno()))
            connection.settimeout(timeout_s)
            with connection.makefile("r") as answers:
                pid = int(answers.readline())
                try:
                    code = int(answers.readline())
                except TimeoutError as error:
                    os.kill(pid, signal.SIGKILL)
                    raise TimeoutExpired(arguments, timeout_s) from error
            for file in (out, err):
                file.seek(0)
            return CompletedProcess(arguments, code, out.read(), err.read())

    def program(self, path: Path) -> None:
        """Make ``path`` a program that is the command line, for what runs in a shell."""
        self._connected().close()
        call = shlex.join([sys.executable, "-I", "-S", __file__, "--call", self._path])
        path.write_text(f'#!/bin/sh\nexec {call} "$@"\n')
        path.chmod(0o755)

    def _connected(self) -> socket.socket:
        deadline = time.monotonic() + 60
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(self._path)
                return connection
            except OSError:
                connection.close()
                assert self._process.poll() is None, "the process that is forked ended"
                assert time.monotonic() < deadline, "the process that is forked does not listen"
                time.sleep(0.02)


def _ask(
    connection: socket.socket, arguments: Sequence[str], environment: dict[str, str], directory: str, to: Sequence[int]
) -> None:
    request = json.dumps([arguments, environment, directory]).encode()
    socket.send_fds(connection, [b"%d\n" % len(request)], to)
    connection.sendall(request)


def _call(path: str, arguments: Sequence[str]) -> int:
    """Call from a shell, with its environment, directory and descriptors; returns the exit code."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        _ask(connection, arguments, dict(os.environ), str(Path.cwd()), (1, 2))
        return int(connection.makefile("r").read().split()[-1])


def _serve(path: str) -> None:
    """Fork for each call: once to wait for the process and say its exit code, once more to be the process."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(16)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # those that wait end by themselves
        while True:
            ready, _, _ = select.select([listener, sys.stdin], [], [])
            if sys.stdin in ready:  # who calls has ended
                return
            connection, _ = listener.accept()
            if os.fork() == 0:
                break
            connection.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, descriptors, _, _ = socket.recv_fds(connection, 32, 2)
    if not head:  # only to see whether this listens
        os._exit(0)
    length, _, body = head.partition(b"\n")
    while len(body) < int(length):
        body += connection.recv(1 << 20)
    if pid := os.fork():
        connection.sendall(b"%d\n" % pid)
        _, status = os.waitpid(pid, 0)
        connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
        os._exit(0)
    connection.close()
    _become(json.loads(body), descriptors)


def _become(request: tuple[list[str], dict[str, str], str], descriptors: list[int]) -> None:
    arguments, environment, directory = request
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, standard in zip([nothing, *descriptors], (0, 1, 2), strict=True):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    if arguments and arguments[0].endswith(".py"):
        os.setsid()
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")
        return
    sys.argv = ["loadgen", *arguments]
    from loadgen.__main__ import main

    main()


if __name__ == "__main__":
    if sys.argv[1] == "--call":
        sys.exit(_call(sys.argv[2], sys.argv[3:]))
    import importlib

    for module in PRELOADED:
        importlib.import_module(module)
    _serve(sys.argv[1])
