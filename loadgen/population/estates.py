"""Estate plans that fit the family: heirs, documents, and the estate's value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from capacity.arrays import Bools, Floats, Ints
from loadgen.population.chunk import Chunk
from loadgen.population.columns import US_PER_S, Column, Kind, Rows
from loadgen.population.streams import Part, Stream
from loadgen.population.text import (
    NUL,
    Piece,
    Text,
    booleans,
    dates,
    decimals,
    dollars,
    integers,
    join,
    json_array,
    json_object,
    moments,
    pick,
    pool,
    quoted,
    where,
)
from loadgen.population.vocabulary import pools

CHARITIES: Final = ("food bank", "public library", "animal shelter", "children's hospital", "community college fund")
FEDERAL_EXEMPTION: Final = 13_990_000
"""Estate tax exemption of one person in 2025 (IRS Rev. Proc. 2024-40)."""

_TOP_RATE: Final = 0.40
"""Rate of the estate tax above the exemption (IRC § 2001(c))."""

# Assumptions: share of wills with these documents; share and size of gifts to charity.
_POWER_OF_ATTORNEY, _HEALTHCARE_DIRECTIVE, _LIVING_WILL = 0.75, 0.70, 0.45
_GIVES, _GIFT_BASIS_POINTS = 0.12, 1_000
_WHOLE: Final = 10_000
"""A whole estate in hundredths of a percent."""
_DAY_US: Final = 86_400 * US_PER_S


@dataclass(frozen=True)
class _Owners:
    """Users who recorded a plan, an entry each."""

    places: Ints
    """Index of the user in the chunk."""
    u: Floats
    """Uniform random numbers, (7, owners)."""
    friend: Ints
    """First name of a sibling or friend."""
    signed_us: Ints
    reviewed_us: Ints


def estate_plans(chunk: Chunk) -> Rows:
    """Estate plans, one for each user who recorded one. Shares of beneficiaries add up to 100 %."""
    places = chunk.owners("estate_plans")
    stream = Stream(chunk.seed, Part.ESTATE, chunk.number)
    u = stream.table(7, len(places))
    # Assumption: papers were signed up to eight years before the sign-up.
    owners = _Owners(
        places=places,
        u=u,
        friend=stream.integers(len(pools().first_names), len(places)),
        signed_us=chunk.created_us[places] - (u[4] * 3000).astype(np.int64) * _DAY_US,
        reviewed_us=chunk.moments_us(places, u[5]),
    )
    heirs = _heirs(chunk, owners)
    columns = {
        "plan_data": _plan(chunk, owners, np.sum([present for present, _ in heirs], axis=0)),
        "documents": _documents(chunk, owners),
        "beneficiaries": json_array(heirs, NUL),
    }
    documents = (Column(name, Kind.JSONB, join(len(places), document)) for name, document in columns.items())
    return Rows("estate_plans", (*chunk.keys("estate_plans", places), *documents))


def _heirs(chunk: Chunk, owners: _Owners) -> list[tuple[Bools, Piece]]:
    """Heirs: spouse, then children in equal parts, else a sibling or friend; some give a tenth to charity."""
    families, people, draw = chunk.families, chunk.people, owners.u[0]
    gives = draw < _GIVES
    married = families.married[owners.places]
    children = families.children[owners.places]
    remainder = np.where(gives, _WHOLE - _GIFT_BASIS_POINTS, _WHOLE)
    to_spouse = np.where(children > 0, remainder // 2, remainder) * married
    to_children = remainder - to_spouse
    each = to_children // np.maximum(children, 1)

    charity = quoted(pick(pool(CHARITIES), (draw * 1000).astype(np.int64) % len(CHARITIES)))
    heirs = [
        (gives, _heir(charity, b'"charity"', np.full(len(draw), _GIFT_BASIS_POINTS), owners.signed_us)),
        (married, _heir(_full_name(chunk, owners, people.spouse_name[owners.places]), b'"spouse"', to_spouse,
                        owners.signed_us)),
    ]  # fmt: skip
    for nth, name in enumerate(people.children_names[owners.places].T):
        # The youngest gets the remainder of the division.
        share = np.where(nth == children - 1, to_children - each * (children - 1), each)
        child = _heir(_full_name(chunk, owners, name), b'"child"', share, owners.signed_us)
        heirs.append((nth < children, child))
    # Assumption: seven of ten name a sibling.
    relation = quoted(pick(pool(("friend", "sibling")), (draw < 0.7).astype(np.int64)))
    nobody = ~married & (children == 0)
    heirs.append((nobody, _heir(_full_name(chunk, owners, owners.friend), relation, remainder, owners.signed_us)))
    return heirs


def _heir(name: Piece, relation: Piece, basis_points: Ints, since_us: Ints) -> Piece:
    return json_object(
        {
            "name": name,
            "relation": relation,
            "share_pct": decimals(basis_points, 2),
            "since": quoted(moments(since_us)),
        }
    )


def _full_name(chunk: Chunk, owners: _Owners, first_name: Ints) -> Piece:
    family = pick(pools().last_names, chunk.people.last_name[owners.places])
    return (b'"', pick(pools().first_names, first_name), b" ", family, b'"')


def _plan(chunk: Chunk, owners: _Owners, heirs: Ints) -> Piece:
    families, places = chunk.families, owners.places
    gross, debts = chunk.households.total_assets[places], chunk.households.total_debts[places]
    married = families.married[places]
    exemption = FEDERAL_EXEMPTION * (1 + married)
    friend = _full_name(chunk, owners, owners.friend)
    spouse = _full_name(chunk, owners, chunk.people.spouse_name[places])
    return json_object(
        {
            "has_will": booleans(families.has_will[places]),
            "has_trust": booleans(families.has_trust[places]),
            "executor": where(married, spouse, friend, NUL),
            "guardian": where(families.minors[places] > 0, friend, b"null", NUL),
            "gross_estate": dollars(gross),
            "debts": dollars(debts),
            # Assumption: a hundredth of the estate, and a lawyer.
            "settlement_costs": dollars(0.01 * gross + 2500 * owners.u[1]),
            "estate_tax": dollars(np.maximum(_TOP_RATE * (gross - debts - exemption), 0.0)),
            "heirs": integers(heirs),
            "reviewed_at": quoted(moments(owners.reviewed_us)),
        }
    )


def _documents(chunk: Chunk, owners: _Owners) -> Piece:
    """All kinds of documents, each signed or missing."""
    has_will = chunk.families.has_will[owners.places]
    signed = {
        "will": has_will,
        "living_trust": chunk.families.has_trust[owners.places],
        "power_of_attorney": has_will & (owners.u[1] < _POWER_OF_ATTORNEY),
        "healthcare_directive": has_will & (owners.u[2] < _HEALTHCARE_DIRECTIVE),
        "living_will": has_will & (owners.u[3] < _LIVING_WILL),
    }
    signed_on = quoted(dates(owners.signed_us // _DAY_US))
    checked_at = quoted(moments(owners.reviewed_us))
    everybody = np.ones(len(has_will), np.bool_)
    status: Text = pool(("missing", "signed"))
    return json_array(
        [
            (
                everybody,
                json_object(
                    {
                        "type": quoted(kind.encode()),
                        "status": quoted(pick(status, is_signed.astype(np.int64))),
                        "signed_on": where(is_signed, signed_on, b"null", NUL),
                        "checked_at": checked_at,
                    }
                ),
            )
            for kind, is_signed in signed.items()
        ]
    )
