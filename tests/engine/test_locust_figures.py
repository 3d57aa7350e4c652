"""Locust's own statistics keep what is below a millisecond. In a process of its own: importing locust patches it."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import csv, io, json
from locust import stats
from locust.env import Environment
from loadgen.engine import locust_figures

locust_figures.install()
locust_figures.install()  # twice does no harm
environment = Environment()
environment.create_local_runner()
total = environment.stats
for ms in [0.3123] * 90 + [0.7] * 9 + [2013.4]:
    environment.events.request.fire(
        request_type="transaction", name="open", response_time=ms, response_length=1, exception=None, context={}
    )
entry = total.get("open", "transaction")
other = stats.RequestStats()
sent = json.loads(json.dumps(entry.serialize()))  # as a worker would send it
sent["response_times"] = {float(ms): n for ms, n in sent["response_times"].items()}
merged = other.get("open", "transaction")
merged.extend(stats.StatsEntry.unserialize(sent, other))
written = io.StringIO()
stats.StatsCSV(environment, [0.5, 0.99]).requests_csv(csv.writer(written))
print(json.dumps({
    "dict": entry.to_dict(), "line": entry.to_string(current=False), "percentiles": entry.percentile(),
    "heads": stats.get_stats_summary(total, False)[0], "csv": written.getvalue().splitlines()[1].split(","),
    "merged": [merged.median_response_time, merged.get_response_time_percentile(0.95)],
    "empty": total.get("none", "GET").to_string(),
}))
"""


def test_nothing_is_rounded_to_whole_milliseconds() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    page = found["dict"]
    assert (page["min_response_time"], page["max_response_time"]) == (0.312, 2013.4)
    # Three digits in the middle, as Locust itself holds it: the median is never below the smallest.
    assert page["median_response_time"] == 0.3123
    assert page["response_time_percentile_0.95"] == 0.7
    assert page["avg_response_time"] == pytest.approx((0.3123 * 90 + 0.7 * 9 + 2013.4) / 100)
    assert found["merged"] == [0.3123, 0.7]
    name, numbers = found["line"].split("|")[0], found["line"].split("|")[1].split()
    assert name.split() == ["transaction", "open", "100", "0(0.00%)"]
    assert numbers == ["20.5", "0.312", "2013", "0.312"]
    assert [i for i, c in enumerate(found["empty"]) if c == "|"] == [
        i for i, c in enumerate(found["heads"]) if c == "|"
    ]
    assert found["percentiles"].split()[:3] == ["transaction", "open", "0.312"]
    assert found["csv"][-2:] == ["0.312", "2010.0"]  # by Locust's own ranks, p99 of a hundred is the last
    assert "0(0.00%)" in found["empty"]
