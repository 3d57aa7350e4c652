"""The command line: one module a verb. Modules here import nothing heavy at their top; verbs do, inside."""

from loadgen.cli.app import main
from loadgen.cli.verbs import VERBS

__all__ = ["VERBS", "main"]
