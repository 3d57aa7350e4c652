"""The command line with a signal to itself at one point: ``python interrupt_at.py POINT SIGNAL ARGUMENT…``.

A point is ``MODULE``, where its import begins, ``MODULE:NAME`` or ``MODULE:CLASS.NAME``, where that function is
entered, or one of these with ``*N`` behind it, where that happens for the N-th time. The product has no part in this.
What is imported already, in a process that was forked, is wrapped wherever it stands.
A demo runs on the database of the environment, and takes the sweeps of ``DEMO_SWEEPS``, if there are any: a server and
sweeps of its own last minutes.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import signal
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any


class Point(MetaPathFinder, Loader):
    """Stands in for the loader of one module: sends the signal, or wraps the function that is to send it."""

    def __init__(self, text: str, send: Callable[[], None]) -> None:
        where, _, times = text.partition("*")
        self._module, _, self._name = where.partition(":")
        self._left = int(times or 1)
        self._send = send
        self._loader: Any = None

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._module or self._loader is not None:
            return None
        self._loader = self
        spec = importlib.util.find_spec(fullname)
        assert spec is not None, fullname
        self._loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)  # type: ignore[no-any-return]

    def exec_module(self, module: ModuleType) -> None:
        if not self._name:
            self._reach()
        self._loader.exec_module(module)
        if self._name:
            self._wrap(module)

    def begin(self) -> None:
        """Wait for the module's import, or wrap its function at once."""
        if self._module in sys.modules:
            assert self._name, f"{self._module} is imported already"
            self._wrap(sys.modules[self._module])
        else:
            sys.meta_path.insert(0, self)

    def _wrap(self, module: ModuleType) -> None:
        *holders, name = self._name.split(".")
        holder = functools.reduce(getattr, holders, module)
        function = getattr(holder, name)
        wrapped = self._wrapped(function)
        setattr(holder, name, wrapped)
        for other in list(sys.modules.values()):
            if getattr(other, "__dict__", {}).get(name) is function:
                setattr(other, name, wrapped)

    def _wrapped(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def reached(*args: Any, **kwargs: Any) -> Any:
            self._reach()
            return function(*args, **kwargs)

        return reached

    def _reach(self) -> None:
        self._left -= 1
        if self._left == 0:
            print("the signal is sent", file=sys.stderr, flush=True)
            self._send()


class Demo(MetaPathFinder):
    """Shortens the demo when the first of its imports begins, or at once where that is done."""

    _done = False

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname != "loadgen.runner" or self._done:
            return
        self._done = True
        self.shorten()

    @staticmethod
    def shorten() -> None:
        from loadgen import settings

        load = settings.load
        settings.load = lambda **given: load(**given | {"instance": None})
        if sweeps := os.environ.get("DEMO_SWEEPS"):
            given = iter(sweeps.split(os.pathsep))
            module: Any = sys.modules["loadgen.cli.demo"]
            record = SimpleNamespace(partial=False, interrupted=False, refusal=None)
            module.carry_out = lambda *_: (record, Path(next(given)))


if __name__ == "__main__":
    point, name, *arguments = sys.argv[1:]
    sys.argv = ["loadgen", *arguments]
    number = signal.Signals[f"SIG{name}"]
    # A terminal's signals go to all of the group, the processes that this one starts included.
    receivers = -os.getpgrp() if number in (signal.SIGINT, signal.SIGHUP) else os.getpid()
    Point(point, lambda: os.kill(receivers, number)).begin()
    if arguments[0] == "demo" and "loadgen.runner" in sys.modules:
        Demo.shorten()
    elif arguments[0] == "demo":
        sys.meta_path.insert(0, Demo())
    from loadgen.__main__ import main

    main()
