"""Imported by the process from which workers are forked: what each of them would otherwise make for itself."""

import signal

signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group: the parent hears it, and ends this one

from loadgen.seeding.worker import warm  # noqa: E402

warm()
