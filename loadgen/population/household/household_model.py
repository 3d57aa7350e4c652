"""Parameters of the balance sheets, which ``fitting.py`` fits to published figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

import numpy as np
import orjson

from capacity.arrays import Floats, Ints
from loadgen.population.streams import normal_quantile

MODEL_FILE: Final = "household_model.json"

Loadings = tuple[float, float]
"""Weights of a latent variable on the income and the wealth factor; the rest of its variance is its own."""


@dataclass(frozen=True)
class Tail:
    """A Pareto tail in place of the top of a lognormal distribution, bounded at ``end`` times its beginning.

    ``begins`` is the share of holders below it, an entry an age group. A bounded tail has a variance, so that the
    mean of a sample does not depend on one household.
    """

    begins: Floats
    exponent: float
    end: float


@dataclass(frozen=True)
class Amounts:
    """Distribution of an amount among its holders, an entry an age group.

    ``median`` is in thousands of 2022 dollars, ``spread`` the standard deviation of the logarithm below the tail.
    """

    median: Floats
    spread: Floats
    tail: Tail | None

    def at(self, u: Floats, group: Ints) -> Floats:
        """Quantile function at ``u`` in (0, 1)."""
        if self.tail is None:
            return np.asarray(self.median[group] * np.exp(self.spread[group] * normal_quantile(u)))
        begins = self.tail.begins[group]
        body = self.median[group] * np.exp(self.spread[group] * normal_quantile(np.minimum(u, begins)))
        within = np.clip((u - begins) / (1 - begins), 0.0, 1.0)
        return np.asarray(body * pareto(within, self.tail.exponent, self.tail.end))


def pareto(u: Floats, exponent: float, end: float) -> Floats:
    """Quantile function of a Pareto distribution on 1 … ``end``."""
    return np.asarray((1 - u * (1 - end**-exponent)) ** (-1 / exponent))


@dataclass(frozen=True)
class Item:
    """An asset or debt: share of households that hold it by age group, amounts, and loadings of both."""

    hold_share: Floats
    hold: Loadings
    amounts: Amounts
    amount: Loadings


@dataclass(frozen=True)
class HouseholdModel:
    """Model of balance sheets. ``items`` are their columns but income."""

    income: Amounts
    unusual_year_share: float
    """Share of households whose income this year is independent of their usual one."""
    wealth_on_income: float
    """Correlation of the wealth factor with the income factor."""
    wealth_curve: float
    amount_curve: float
    """Weight of the second Hermite polynomial, by which wealth and amounts rise faster at high incomes."""
    own_tail: float
    """Tukey's h of a holding's own part, with which a few own no home at any income."""
    wealth_weight: Floats
    """Factor of every loading on wealth, by age group."""
    loan_own_spread: float
    """Spread of the logarithm of a mortgage beside that of its home's value; mortgages rank by both."""
    highest_loan_to_value: float
    items: Mapping[str, Item]


@cache
def household_model() -> HouseholdModel:
    """Read the packaged model."""
    return read_model(packaged_document())


def packaged_document() -> dict[str, Any]:
    """Read the packaged file."""
    document: dict[str, Any] = orjson.loads(
        resources.files("loadgen.population").joinpath("data", MODEL_FILE).read_bytes()
    )
    return document


def read_model(document: Mapping[str, Any]) -> HouseholdModel:
    """Read a model from a document in the packaged file's form."""
    return HouseholdModel(
        income=_amounts(document["income"]),
        items={
            name: Item(
                np.array(item["hold_share"]), tuple(item["hold"]), _amounts(item["amounts"]), tuple(item["amount"])
            )
            for name, item in document["items"].items()
        },
        wealth_weight=np.array(document["wealth_weight"]),
        **document["factors"],
    )


def _amounts(document: Mapping[str, Any]) -> Amounts:
    tail = document.get("tail")
    return Amounts(
        np.array(document["median"]),
        np.array(document["spread"]),
        tail and Tail(np.array(tail["begins"]), tail["exponent"], tail["end"]),
    )
