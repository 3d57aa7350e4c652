"""``loadgen`` and ``python -m loadgen``: the command line, and a head start for what a verb needs beside it."""

from __future__ import annotations

import sys

from loadgen import interrupts


def main() -> None:
    """Run the command line that this process was started with."""
    interrupts.install(_say_interrupted)
    import gc

    if sys.argv[1:2] == ["seed"] and not {"-h", "--help"} & set(sys.argv):
        # Processes that load take longer to get ready than this one takes to read its command line.
        from loadgen.seeding.forking import get_ready

        get_ready()
    from loadgen.cli import main as command_line

    try:
        command_line()
    finally:
        # What is left ends with the process; Python would look through all of it for cycles first, for 0.1 s.
        gc.freeze()


def _say_interrupted() -> None:
    """Report an interruption before the command began, by itself: the modules that do so later are not imported yet."""
    print(interrupts.line(), file=sys.stderr)
    if "--json" in sys.argv:
        print(
            '{\n  "format": "loadgen.error/1",\n'
            f'  "error": {{\n    "exit_code": {interrupts.EXIT_CODE},\n    "message": "interrupted"\n  }}\n}}'
        )


if __name__ == "__main__":
    main()
