"""Estate plans that fit the family: who inherits, which documents exist, what there is to pass on."""

from __future__ import annotations

from typing import Final

import numpy as np
import orjson

from loadgen.population.chunk import Chunk
from loadgen.population.columns import US_PER_S, Column, Kind, Rows, rfc3339
from loadgen.population.documents import Record
from loadgen.population.streams import Part, Stream
from loadgen.population.vocabulary import take, vocabulary

CHARITIES: Final = ("food bank", "public library", "animal shelter", "children's hospital", "community college fund")
FEDERAL_EXEMPTION: Final = 13_990_000
"""Estate tax exemption of one person in 2025 (IRS Rev. Proc. 2024-40)."""

# Assumptions: who has these beside a will.
_POWER_OF_ATTORNEY, _HEALTHCARE_DIRECTIVE, _LIVING_WILL = 0.75, 0.70, 0.45
_DAY_US: Final = 86_400 * US_PER_S


def estate_plans(chunk: Chunk) -> Rows:
    """One plan each of those who recorded one. Shares of beneficiaries add up to 100 %."""
    owners = chunk.owners("estate_plans")
    stream = Stream(chunk.seed, Part.ESTATE, chunk.number)
    u = stream.table(len(owners), 6)
    first_names = vocabulary().first_names
    friends = take(first_names, stream.integers(len(first_names), len(owners)))
    signed_us = chunk.created_us[owners] - (u[:, 4] * 3000).astype(np.int64) * _DAY_US
    signed_on = [moment[:10] for moment in rfc3339(signed_us)]
    reviewed_at = rfc3339(chunk.moments_us(owners, u[:, 5]))

    plans, documents, beneficiaries = [], [], []
    for owner, draws, friend, signed, reviewed in zip(
        owners.tolist(), u.tolist(), friends, signed_on, reviewed_at, strict=True
    ):
        heirs = _beneficiaries(chunk, owner, friend, draws[0])
        plans.append(orjson.dumps(_plan(chunk, owner, heirs, friend, draws[1], reviewed)))
        documents.append(orjson.dumps(_documents(chunk, owner, draws, signed)))
        beneficiaries.append(orjson.dumps(heirs))
    return Rows(
        "estate_plans",
        (
            *chunk.keys("estate_plans", owners),
            Column("plan_data", Kind.JSONB, plans),
            Column("documents", Kind.JSONB, documents),
            Column("beneficiaries", Kind.JSONB, beneficiaries),
        ),
    )


def _beneficiaries(chunk: Chunk, owner: int, friend: str, draw: float) -> list[Record]:
    """Spouse first, then the children in equal parts, else a sibling or a friend; a tenth to charity now and then."""
    families, people = chunk.families, chunk.people
    children = people.children_names[owner][: int(families.children[owner])]
    heirs: list[Record] = []
    left = 100.0
    if draw < 0.12:  # assumption
        heirs.append({"name": CHARITIES[int(draw * 1000) % len(CHARITIES)], "relation": "charity", "share_pct": 10.0})
        left = 90.0
    if families.married[owner]:
        spouse_share = left if not children else left / 2
        heirs.append({"name": people.spouse_names[owner], "relation": "spouse", "share_pct": spouse_share})
        left -= spouse_share
    if children:
        each = round(left / len(children), 2)
        shares = [each] * (len(children) - 1) + [round(left - each * (len(children) - 1), 2)]
        heirs += [
            {"name": name, "relation": "child", "share_pct": share}
            for name, share in zip(children, shares, strict=True)
        ]
    elif left > 0:
        relation = "sibling" if draw < 0.7 else "friend"
        heirs.append({"name": f"{friend} {people.last_names[owner]}", "relation": relation, "share_pct": left})
    return heirs


def _plan(chunk: Chunk, owner: int, heirs: list[Record], friend: str, draw: float, reviewed_at: str) -> Record:
    people, families = chunk.people, chunk.families
    gross = float(chunk.households.total_assets[owner])
    debts = float(chunk.households.total_debts[owner])
    exemption = FEDERAL_EXEMPTION * (2 if families.married[owner] else 1)
    minors = int(families.minors[owner])
    return {
        "has_will": bool(families.has_will[owner]),
        "has_trust": bool(families.has_trust[owner]),
        "executor": people.spouse_names[owner] if families.married[owner] else f"{friend} {people.last_names[owner]}",
        "guardian": f"{friend} {people.last_names[owner]}" if minors else None,
        "gross_estate": gross,
        "debts": debts,
        "settlement_costs": round(0.01 * gross + 2500 * draw, 2),
        "estate_tax": round(max(0.40 * (gross - debts - exemption), 0.0), 2),
        "heirs": len(heirs),
        "reviewed_at": reviewed_at,
    }


def _documents(chunk: Chunk, owner: int, draws: list[float], signed_on: str) -> list[Record]:
    has_will, has_trust = bool(chunk.families.has_will[owner]), bool(chunk.families.has_trust[owner])
    present = {
        "will": has_will,
        "living_trust": has_trust,
        "power_of_attorney": has_will and draws[1] < _POWER_OF_ATTORNEY,
        "healthcare_directive": has_will and draws[2] < _HEALTHCARE_DIRECTIVE,
        "living_will": has_will and draws[3] < _LIVING_WILL,
    }
    return [
        {"type": kind, "status": "signed" if here else "missing", "signed_on": signed_on if here else None}
        for kind, here in present.items()
    ]
