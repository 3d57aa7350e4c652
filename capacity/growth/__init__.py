"""Growth of a count over time: a forecast whose interval comes from its own back-test.

Eight models (naive, drift over all and over the last season, linear, exponential, logistic, Gompertz, damped smoothing)
forecast from every earlier origin of the same history; a mixture weighs them by their back-test errors at the requested
horizon (``mixture``). A season is removed where there is one; outliers and level shifts are reported and repaired
(``season``, ``breaks``). The interval is conformal: quantiles of the mixture's errors from those origins, widening with
the horizon (``intervals``). The reported coverage is that of the intervals which the same method gives at those origins
from the data known then, so it can differ from the requested level.

Where no honest interval exists, the answer is scenarios: below twelve periods, and where growth accelerates so much
that its unknown ceiling decides the answer (``ceiling``). Irregular rows are handled by the rules of ``history``.

>>> import numpy as np
>>> users = np.cumsum([900, 950, 1010, 980, 1100, 1150, 1090, 1200, 1260, 1240, 1330, 1390, 1370, 1450, 1500, 1480])
>>> answer = forecast(users, horizon=6, level=0.9)
>>> assert isinstance(answer, Forecast)
>>> last = answer.forecast[-1]
>>> last.low < last.point < last.high
True
>>> forecast(users[:5], horizon=6).code
'short_history'
>>> forecast(users[:2], horizon=6, level=0.9).code
'too_few_points'
"""

from capacity.growth.forecasting import LARGEST_VALUE, LONGEST_HORIZON, forecast
from capacity.growth.history import Duplicates
from capacity.growth.intervals import ENOUGH_POINTS
from capacity.growth.periods import DAYS_IN_MONTH
from capacity.growth.results import (
    Adjustment,
    Finding,
    Forecast,
    ForecastPoint,
    ModelWeight,
    Observation,
    Scenario,
    ScenarioPoint,
    Scenarios,
    Season,
)

__all__ = [
    "DAYS_IN_MONTH",
    "ENOUGH_POINTS",
    "LARGEST_VALUE",
    "LONGEST_HORIZON",
    "Adjustment",
    "Duplicates",
    "Finding",
    "Forecast",
    "ForecastPoint",
    "ModelWeight",
    "Observation",
    "Scenario",
    "ScenarioPoint",
    "Scenarios",
    "Season",
    "forecast",
]
