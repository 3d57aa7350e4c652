"""The Universal Scalability Law with known parameters: forwards, and each inverse."""

from __future__ import annotations

import math
from dataclasses import dataclass

from capacity.values import Refusal


@dataclass(frozen=True, slots=True)
class Law:
    """X(N) = γN / (1 + α(N − 1) + βN(N − 1)): throughput with N busy at a time, 0 ≤ α ≤ 1, β ≥ 0, γ > 0.

    α is contention (waiting for what is shared), β coherency (keeping copies in step), γ the throughput of one alone.
    β = 0 is Amdahl's law, α = β = 0 linear growth. N is at least 1 and at most ``reach``: there the answers end.
    Source: N. J. Gunther, Guerrilla Capacity Planning, 2007. Raises ValueError for parameters out of range.
    """

    alpha: float
    beta: float
    gamma: float
    reach: float = math.inf

    def __post_init__(self) -> None:
        finite = math.isfinite(self.beta) and math.isfinite(self.gamma)
        if not (0 <= self.alpha <= 1 and self.beta >= 0 and self.gamma > 0 and finite and self.reach >= 1):
            raise ValueError(f"a law needs 0 ≤ α ≤ 1, β ≥ 0, γ > 0 and a reach of 1 or more, not {self}")

    @property
    def peak(self) -> float | None:
        """N* = √((1 − α)/β), where throughput is highest, at least 1; None without one within reach."""
        if self.beta == 0:
            return None
        peak = max(math.sqrt((1 - self.alpha) / self.beta), 1.0)
        return peak if peak <= self.reach else None

    @property
    def most(self) -> float:
        """The load at which throughput is highest within reach; infinite where it rises for ever."""
        return self.peak or self.reach

    def throughput(self, concurrency: float) -> float | Refusal:
        """X(N). Refuses an N below 1, and one past the reach."""
        refusal = self._out_of_reach(concurrency)
        return refusal or self._throughput(concurrency)

    def response_s(self, concurrency: float, think_s: float = 0.0) -> float | Refusal:
        """Mean response time by Little's law, R = N/X(N) − Z, in seconds where throughput is per second.

        N counts those thinking when ``think_s`` is the time Z that each spends so; γ then belongs to that cycle.
        Refuses what :meth:`throughput` refuses.
        """
        refusal = self._out_of_reach(concurrency)
        return refusal or self._cycle_s(concurrency) - think_s

    def concurrency_at_throughput(self, throughput: float) -> float | Refusal:
        """The least N that carries a throughput: the inverse of X below the peak.

        X·(1 + α(N − 1) + βN(N − 1)) = γN is a quadratic; its smaller root, written so that nothing cancels. Refuses
        more than the law gives within reach, and less than one alone carries.
        """
        if not throughput >= self.gamma * (1 - 1e-12):
            return Refusal(
                "below_one",
                f"a throughput of at least that of one alone, {self.gamma:.4g}, not {throughput:.4g}",
                "ask for more, or take a concurrency of 1",
            )
        most = self._throughput(self.most) if math.isfinite(self.most) else self._ceiling()
        attained = math.isfinite(self.most)
        if not throughput <= most * (1 + 1e-12 * attained) or (throughput == most and not attained):
            where = "peak" if self.peak else "reach" if attained else "limit"
            return Refusal(
                "beyond_law",
                f"a law that gives {throughput:.4g}: this one gives at most {most:.4g}, its {where}",
                "ask for less" if self.peak else "ask for less, or sweep higher levels",
            )
        x = throughput / self.gamma
        b = 1 - x * (self.alpha - self.beta)
        under = max(b * b - 4 * self.beta * (1 - self.alpha) * x * x, 0.0)
        return self._within(2 * (1 - self.alpha) * x / (b + math.sqrt(under)) if self.alpha < 1 else 1.0)

    def concurrency_at_response(self, response_s: float, think_s: float = 0.0) -> float | Refusal:
        """The greatest N whose mean response time is at most ``response_s``: the inverse of :meth:`response_s`.

        Refuses a time shorter than one alone takes. A law whose response never gets that long answers its reach, and
        refuses where that has no end.
        """
        c = self.gamma * (response_s + think_s)
        if not c >= 1 - 1e-12:
            return Refusal(
                "below_one",
                f"a response time of at least that of one alone, {1 / self.gamma - think_s:.4g} s",
                "ask for a longer one",
            )
        # 1 + α(N − 1) + βN(N − 1) = c, solved for N − 1.
        b = self.alpha + self.beta
        if b == 0 or math.isinf(c):
            if math.isfinite(self.reach):
                return self.reach
            return Refusal("no_limit", "a load that takes that long: by this law none does", "ask for a shorter time")
        excess = max(c - 1, 0.0)
        return self._within(1 + 2 * excess / (b + math.sqrt(b * b + 4 * self.beta * excess)))

    def throughput_at_response(self, response_s: float, think_s: float = 0.0) -> float | Refusal:
        """The most that is carried within a mean response time: X at :meth:`concurrency_at_response`, or the peak's.

        Refuses what that refuses.
        """
        concurrency = self.concurrency_at_response(response_s, think_s)
        if isinstance(concurrency, Refusal):
            return concurrency
        return self._throughput(min(concurrency, self.most))

    def _throughput(self, n: float) -> float:
        return n / self._cycle_s(n)

    def _cycle_s(self, n: float) -> float:
        return (1 + self.alpha * (n - 1) + self.beta * n * (n - 1)) / self.gamma

    def _ceiling(self) -> float:
        """What throughput tends to without coherency cost."""
        return self.gamma / self.alpha if self.alpha else math.inf

    def _within(self, n: float) -> float:
        return min(max(n, 1.0), self.reach)

    def _out_of_reach(self, n: float) -> Refusal | None:
        if 1 <= n <= self.reach and math.isfinite(n):
            return None
        if n > self.reach:
            return Refusal(
                "not_identified",
                f"measurements near a concurrency of {n:.6g}: the law holds up to {self.reach:.6g}",
                "sweep up to that level",
            )
        return Refusal("bad_concurrency", f"a concurrency of 1 or more, not {n:.6g}", "correct it")
