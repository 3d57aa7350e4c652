"""Imported by the fork server of the workers: prepares the data that each would otherwise prepare itself."""

from loadgen.seeding.worker import warm

warm()
