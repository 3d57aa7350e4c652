"""Imported by the process from which workers are forked: what each of them would otherwise make for itself."""

from loadgen.seeding.worker import warm

warm()
