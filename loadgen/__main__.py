"""``python -m loadgen``: the same as the installed command."""

from loadgen.cli import main

if __name__ == "__main__":
    main()
