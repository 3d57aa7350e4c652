"""The Universal Scalability Law with known parameters: throughput, response time, and their inverses."""

from __future__ import annotations

import math
from dataclasses import dataclass

from capacity.values import Refusal


@dataclass(frozen=True, slots=True)
class Law:
    """The law X(N) = γN / (1 + α(N − 1) + βN(N − 1)) of throughput at concurrency N; 0 ≤ α ≤ 1, β ≥ 0, γ > 0.

    α is contention (waits for shared resources), β coherency (cost of keeping copies in step), γ the throughput at N =
    1. β = 0 is Amdahl's law, α = β = 0 linear growth. N is from 1 to ``reach``, the limit of its answers.
    Source: N. J. Gunther, Guerrilla Capacity Planning, 2007. Raises ValueError for parameters out of range.
    """

    alpha: float
    beta: float
    gamma: float
    reach: float = math.inf

    def __post_init__(self) -> None:
        finite = math.isfinite(self.beta) and math.isfinite(self.gamma)
        if not (0 <= self.alpha <= 1 and self.beta >= 0 and self.gamma > 0 and finite and self.reach >= 1):
            raise ValueError(f"law: expected 0 ≤ α ≤ 1, β ≥ 0, γ > 0 and reach ≥ 1, not {self}")

    @property
    def peak(self) -> float | None:
        """Concurrency N* = √((1 − α)/β) of the highest throughput, at least 1; None if there is none within reach."""
        if self.beta == 0:
            return None
        peak = max(math.sqrt((1 - self.alpha) / self.beta), 1.0)
        return peak if peak <= self.reach else None

    @property
    def most(self) -> float:
        """Concurrency of the highest throughput within reach; infinite where it rises without limit."""
        return self.peak or self.reach

    def throughput(self, concurrency: float) -> float | Refusal:
        """Return X(N). Refuses an N below 1 or beyond the reach."""
        refusal = self._out_of_reach(concurrency)
        return refusal or self._throughput(concurrency)

    def response_s(self, concurrency: float, think_s: float = 0.0) -> float | Refusal:
        """Return the mean response time in s by Little's law, R = N/X(N) − Z, for throughput per second.

        With a think time Z, ``think_s``, N includes the users who think, and γ is for the whole cycle. Refuses what
        :meth:`throughput` refuses.
        """
        refusal = self._out_of_reach(concurrency)
        return refusal or self._cycle_s(concurrency) - think_s

    def concurrency_at_throughput(self, throughput: float) -> float | Refusal:
        """Return the least N with a given throughput, the inverse of X below the peak.

        It is the smaller root of the quadratic X·(1 + α(N − 1) + βN(N − 1)) = γN, in a form without cancellation.
        Refuses more than the law's maximum within reach, and less than X(1).
        """
        if not throughput >= self.gamma * (1 - 1e-12):
            return Refusal(
                "below_one",
                f"a throughput of at least that of concurrency 1, {self.gamma:.4g}, not {throughput:.4g}",
                "ask for a higher throughput, or use a concurrency of 1",
            )
        most = self._throughput(self.most) if math.isfinite(self.most) else self._ceiling()
        attained = math.isfinite(self.most)
        if not throughput <= most * (1 + 1e-12 * attained) or (throughput == most and not attained):
            where = "peak" if self.peak else "reach" if attained else "limit"
            return Refusal(
                "beyond_law",
                f"a throughput of at most the law's {where}, {most:.4g}, not {throughput:.4g}",
                "ask for a lower throughput" + ("" if self.peak else ", or sweep higher levels"),
            )
        x = throughput / self.gamma
        b = 1 - x * (self.alpha - self.beta)
        under = max(b * b - 4 * self.beta * (1 - self.alpha) * x * x, 0.0)
        return self._within(2 * (1 - self.alpha) * x / (b + math.sqrt(under)) if self.alpha < 1 else 1.0)

    def concurrency_at_response(self, response_s: float, think_s: float = 0.0) -> float | Refusal:
        """Return the greatest N with a mean response time of at most ``response_s``, the inverse of :meth:`response_s`.

        It is the reach if no N within reach has that long a response time. Refuses a time below that of N = 1, and an
        infinite answer.
        """
        c = self.gamma * (response_s + think_s)
        if not c >= 1 - 1e-12:
            return Refusal(
                "below_one",
                f"a response time of at least that of concurrency 1, {1 / self.gamma - think_s:.4g} s",
                "ask for a longer response time",
            )
        # 1 + α(N − 1) + βN(N − 1) = c, solved for N − 1.
        b = self.alpha + self.beta
        if b == 0 or math.isinf(c):
            if math.isfinite(self.reach):
                return self.reach
            return Refusal(
                "no_limit", "a load with that response time; by this law there is none", "ask for a shorter one"
            )
        excess = max(c - 1, 0.0)
        return self._within(1 + 2 * excess / (b + math.sqrt(b * b + 4 * self.beta * excess)))

    def _throughput(self, n: float) -> float:
        return n / self._cycle_s(n)

    def _cycle_s(self, n: float) -> float:
        return (1 + self.alpha * (n - 1) + self.beta * n * (n - 1)) / self.gamma

    def _ceiling(self) -> float:
        """Limit of throughput without coherency cost."""
        return self.gamma / self.alpha if self.alpha else math.inf

    def _within(self, n: float) -> float:
        return min(max(n, 1.0), self.reach)

    def _out_of_reach(self, n: float) -> Refusal | None:
        if 1 <= n <= self.reach and math.isfinite(n):
            return None
        if n > self.reach:
            return Refusal(
                "not_identified",
                f"measurements near a concurrency of {n:.6g}; the law holds up to {self.reach:.6g}",
                "sweep up to that level",
            )
        return Refusal("bad_concurrency", f"a concurrency of 1 or more, not {n:.6g}", "correct it")
