"""``loadgen`` and ``python -m loadgen``: the command line, and a head start for what a verb needs beside it."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line that this process was started with."""
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


if __name__ == "__main__":
    main()
