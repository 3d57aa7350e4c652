"""Entry point of ``loadgen`` and ``python -m loadgen``; starts the fork server of a seed early."""

from __future__ import annotations

import sys

from loadgen import interrupts


def main() -> None:
    """Run the command line that this process was started with."""
    interrupts.install(_say_interrupted)
    import gc

    if sys.argv[1:2] == ["seed"] and not {"-h", "--help"} & set(sys.argv):
        # The fork server takes longer to start than this process takes to parse its command line.
        from loadgen.seeding.forking import get_ready

        get_ready()
    from loadgen.cli import main as command_line

    try:
        command_line()
    finally:
        # Spares the last garbage collection, which takes 0.1 s.
        gc.freeze()


def _say_interrupted() -> None:
    """Report an interruption before the command began, when the modules that do so later are not imported yet."""
    print(interrupts.line(), file=sys.stderr)
    if "--json" in sys.argv:
        print(
            '{\n  "format": "loadgen.error/1",\n'
            f'  "error": {{\n    "exit_code": {interrupts.EXIT_CODE},\n    "message": "interrupted"\n  }}\n}}'
        )


if __name__ == "__main__":
    main()
