"""Where the sample records were made: server, data, client and objective."""

from __future__ import annotations

from capacity.values import TableSize
from loadgen.runs.format.latency import Objective
from loadgen.runs.format.machines import ClientFacts, DatabaseFacts, Fingerprint
from loadgen.runs.format.verdict import Reason

OBJECTIVE = Objective(percentile=95.0, response_ms=30.0)
LEVELS = (1, 2, 4, 8, 16, 32)
SHORT = Reason("short", "each run measured 4 s", "measure 60 s or more a run before deciding")
DATABASE = DatabaseFacts(
    name="affluvia",
    server_version="18.6",
    embedded=True,
    cores=2,
    ram_bytes=8 * 2**30,
    settings={
        "shared_buffers": "2GB",
        "work_mem": "16MB",
        "max_connections": "100",
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
    },
    fingerprint=Fingerprint(
        schema_version="8:3f2a91c7",
        model_version="2026.1",
        seed=42,
        users=5_000,
        as_of="2026-11-01",
        chunk_users=1_000,
        ageing=None,
        drift={"user_progress": 318, "financial_profiles": 12_440},
    ),
)
CLIENT = ClientFacts(
    cpu_model="AMD EPYC 7B13",
    cores=2,
    ram_bytes=8 * 2**30,
    platform="Linux 6.18 x86_64",
    versions={"python": "3.11.2", "loadgen": "0.1.0", "locust": "2.47.1", "psycopg": "3.3.4", "libpq": "18.0"},
)
TABLES = (
    TableSize("financial_profiles", 5_000, 14_200_000, 48_300_000, 6_900_000),
    TableSize("chat_messages", 61_240, 17_800_000, 640_000, 4_100_000),
    TableSize("user_progress", 22_310, 4_900_000, 0, 1_300_000),
    TableSize("estate_plans", 2_130, 3_300_000, 120_000, 210_000),
    TableSize("goals", 14_820, 1_900_000, 0, 980_000),
    TableSize("users", 5_000, 1_150_000, 0, 720_000),
    TableSize("education_goals", 3_940, 1_050_000, 0, 240_000),
    TableSize("user_achievements", 18_400, 1_300_000, 0, 1_100_000),
)
