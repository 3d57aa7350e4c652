"""Fit who writes chat: the exponent of Zipf's law and the share of silent users closest to the measured fan-out.

A user's messages are those of a Poisson number of sessions, each of a random length. The expected number of sessions
falls with activity as a power and grows with the time since sign-up, during which fewer users shared the chat. So the
distribution of messages over users is a mixture of compound Poisson laws, by Panjer's recursion (1981):

    P(0) = exp(−λ),   P(n) = λ/n · Σ_j j·f(j)·P(n − j)

The two parameters are those that minimise the squared distance to the counted shares at the edges of the buckets, each
weighted by its variance (Anderson and Darling 1952).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np

from capacity.arrays import Floats
from loadgen.population.calendar import make_calendar
from loadgen.population.chat import SESSION_LENGTHS
from loadgen.population.shape import ChatShape, Shape
from loadgen.profiling.format import FanOut, Profile

_LARGEST_COUNT: Final = 2_000
_RATES: Final = np.geomspace(1e-3, 600, 120)
"""Expected sessions of a user at which the distribution function is computed; it is interpolated between them."""
_RANK_CELLS: Final = 60
_TIMES: Final = 24
_NOTABLE: Final = 0.05
"""Largest error of the distribution, as a share of users, that is not reported."""


def chat_shape(profile: Profile, shape: Shape, lacks: list[str]) -> ChatShape:
    """Chat as in the profile, with the model's own figures where it has none."""
    own = shape.chat
    table = profile.table("chat_messages")
    response = next((c for c in table.columns if c.name == "response"), None) if table else None
    unanswered = own.unanswered if response is None or response.null_share is None else response.null_share
    counted = [f for f in profile.fan_outs.tables if f.table == "chat_messages"] if profile.fan_outs else []
    if not counted or not counted[0].buckets:
        rows = table.rows if table else None
        mean = rows / profile.users if rows is not None and profile.users else own.messages_per_user
        lacks.append("chat_messages: rows per user are not in the profile; who writes is the model's own")
        return ChatShape(float(f"{mean:.4g}"), own.skew, own.silent, unanswered)
    fan_out = counted[0]
    if fan_out.mean == 0:
        return ChatShape(0.0, own.skew, own.silent, unanswered)
    edges, below = _counted(fan_out)
    (skew, silent), error = _Law.of(shape, fan_out.mean, profile.users or 1_000, edges).fit(below)
    if error > _NOTABLE:
        lacks.append(
            f"chat_messages: Zipf's law with exponent {skew:g} and {silent:.0%} silent users; the share of users with "
            f"a given number of messages is off by up to {100 * error:.0f} points"
        )
    return ChatShape(fan_out.mean, skew, silent, unanswered)


def _counted(fan_out: FanOut) -> tuple[list[int], Floats]:
    """Edges of the buckets in rows, and the shares of users who have at most so many."""
    shares: dict[int, float] = {}
    so_far = 0.0
    for bucket in fan_out.buckets:
        if bucket.least > 0:
            shares[min(bucket.least - 1, _LARGEST_COUNT)] = so_far
        so_far += bucket.share
        if bucket is not fan_out.buckets[-1]:
            shares[min(bucket.most or bucket.least, _LARGEST_COUNT)] = so_far
    return list(shares), np.array(list(shares.values()))


@dataclass(frozen=True)
class _Law:
    """Distribution function of messages per user at given edges, as a mixture over expected sessions."""

    below: Floats
    """Distribution function by expected sessions, (rates, edges)."""
    sessions_a_user: float
    ranks: Floats
    """Edges of the cells of ranks, from 0.5 to users + 0.5."""
    by_time: Floats
    """Equally likely factors of a user's expected sessions, by time of sign-up; their mean is about 1."""

    @staticmethod
    def of(shape: Shape, messages_a_user: float, users: int, edges: list[int]) -> _Law:
        lengths = SESSION_LENGTHS / SESSION_LENGTHS.sum()
        mean_length = float((lengths * np.arange(1, len(lengths) + 1)).sum())
        ranks = np.geomspace(0.5, users + 0.5, _RANK_CELLS + 1)
        distribution = _distribution(lengths, max(edges, default=0))
        return _Law(distribution[:, edges], messages_a_user / mean_length, ranks, _factors_by_time(shape))

    def at(self, skew: float, silent: float) -> Floats:
        """Shares of users with at most so many messages, at the edges."""
        users = self.ranks[-1] - 0.5
        edges = np.minimum(self.ranks, (1 - silent) * users + 0.5)
        mass = np.diff(_power_integral(edges, skew))
        width = np.diff(edges)
        nonempty = width > 0
        share = mass[nonempty] / mass.sum()
        rates = self.sessions_a_user * users * share / width[nonempty]
        spread = np.log(np.clip(rates[:, None] * self.by_time, _RATES[0], _RATES[-1]))
        weights = np.repeat(width[nonempty] / users / len(self.by_time), len(self.by_time))
        place = np.interp(spread.ravel(), np.log(_RATES), np.arange(len(_RATES)))
        low = np.minimum(place.astype(np.int64), len(_RATES) - 2)
        upper = (place - low) * weights
        at_rate = np.bincount(low, weights - upper, len(_RATES)) + np.bincount(low + 1, upper, len(_RATES))
        writing = float(width[nonempty].sum() / users)
        return np.asarray(at_rate @ self.below + (1 - writing))

    def fit(self, below: Floats) -> tuple[tuple[float, float], float]:
        """Skew and silent share with the best fit, and its largest error."""
        weight = 1 / np.maximum(below * (1 - below), 1e-4)

        def distance(candidate: tuple[float, float]) -> float:
            return float((weight * (self.at(*candidate) - below) ** 2).sum())

        best = (0.6, 0.0)
        for step, reach in ((0.1, 15), (0.02, 6), (0.005, 4)):
            skews = {round(best[0] + step * k, 3) for k in range(-reach, reach + 1)}
            silents = {round(best[1] + step * k, 3) for k in range(-reach, reach + 1)}
            best = min(
                ((skew, silent) for skew in skews for silent in silents if 0 <= skew <= 2 and 0 <= silent <= 0.99),
                key=lambda candidate: (distance(candidate), candidate),
            )
        return best, float(np.abs(self.at(*best) - below).max(initial=0.0))


def _power_integral(x: Floats, skew: float) -> Floats:
    """Antiderivative of x^−skew."""
    return np.asarray(np.log(x) if abs(skew - 1) < 1e-9 else x ** (1 - skew) / (1 - skew))


def _distribution(lengths: Floats, most: int) -> Floats:
    """Distribution function P(messages ≤ n) for n = 0 … most, by expected sessions: (rates, most + 1)."""
    chance = np.zeros((most + 1, len(_RATES)))
    chance[0] = np.exp(-_RATES)
    jumps = np.arange(1, len(lengths) + 1) * lengths
    for n in range(1, most + 1):
        reach = min(n, len(lengths))
        chance[n] = _RATES / n * (jumps[:reach] @ chance[n - reach : n][::-1])
    return np.cumsum(chance, axis=0).T


def _factors_by_time(shape: Shape) -> Floats:
    """Relative sessions of users by time of sign-up: the users of each moment share its chat."""
    calendar = make_calendar(0, dt.date(2026, 1, 1), shape)
    sessions, users = np.diff(calendar.chatted), calendar.signed_up[1:]
    per_user = np.divide(sessions, users, out=np.zeros_like(sessions), where=users > 0)
    after = np.concatenate([np.cumsum(per_user[::-1])[::-1], [0.0]])
    shares = (np.arange(_TIMES) + 0.5) / _TIMES
    hours = np.interp(shares, calendar.signed_up, np.arange(len(calendar.signed_up)))
    return np.asarray(np.interp(hours, np.arange(len(after)), after))
