"""The calls that other programs make, by the names of their arguments."""

from __future__ import annotations

import pytest

from capacity.growth import Forecast, Scenarios, forecast
from capacity.queueing import Queue, erlang_c
from capacity.scalability import Usl, fit_usl
from capacity.values import Refusal


def test_fit_usl_takes_concurrency_and_throughput() -> None:
    fit = fit_usl(concurrency=[1, 2, 4, 8, 16], throughput=[100, 190, 300, 310, 250])
    assert isinstance(fit, Usl)
    for parameter in (fit.alpha, fit.beta, fit.gamma):
        assert parameter.low <= parameter.value <= parameter.high
    assert fit.peak == pytest.approx(((1 - fit.alpha.value) / fit.beta.value) ** 0.5)
    assert fit_usl([1, 2, 4, 8, 16], [100, 190, 300, 310, 250]) == fit
    assert isinstance(fit_usl([1], [100]), Refusal)


def test_erlang_c_takes_offered_load_and_servers() -> None:
    queue = erlang_c(offered_load=2.0, servers=3)
    assert isinstance(queue, Queue)
    assert queue.probability_of_waiting == pytest.approx(4 / 9)
    assert erlang_c(2.0, 3) == queue
    assert isinstance(erlang_c(3.0, 3), Refusal)


def test_forecast_takes_values_horizon_and_level() -> None:
    values = [100 + 9.0 * n + n % 3 for n in range(30)]
    answer = forecast(values=values, horizon=6, level=0.8)
    assert isinstance(answer, Forecast)
    assert (len(answer.forecast), answer.level) == (6, 0.8)
    assert forecast(values, 6, 0.8) == answer
    assert isinstance(forecast(values[:8], 6), Scenarios)
    assert isinstance(forecast(values[:2], 6), Refusal)
