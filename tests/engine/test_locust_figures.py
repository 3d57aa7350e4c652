"""Locust's own statistics keep what is below a millisecond. In a process of its own: importing locust patches it."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

SCRIPT = """
import csv, io, json
from locust import stats
from locust.env import Environment
from loadgen.engine.recording import locust_figures

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


SECONDS = """
import json, time
from locust.env import Environment
from loadgen.engine.recording import locust_figures
from loadgen.engine.pacing.dispatch import Arrival
from loadgen.engine.failures import DatabaseError
from loadgen.engine.recording.open_recorder import OpenRecorder
from loadgen.engine.recording.recorder import Recorder, kept_in_latency

locust_figures.install()

def shown(recorder, listener=None):
    environment = Environment()
    environment.create_local_runner()
    if listener:
        environment.events.request.add_listener(listener)
    fired = locust_figures.attach(environment, recorder)
    assert locust_figures.attach(environment, recorder) is fired, "the next user is told the same"
    return environment, fired

def page(entry):
    found = entry.to_dict()
    names = "num_requests num_failures min_response_time max_response_time avg_response_time avg_content_length"
    return [found[name] for name in names.split()] + [sum(entry.response_times.values())]

recorder = Recorder()
environment, fired = shown(recorder)
at = float(int(time.monotonic())) + 10
recorder.tick(at, 1)
for n in range(90):
    recorder.transaction("open", at + 0.1, at + 0.1, at + 0.1 + 0.000312, 2, None)
recorder.transaction("open", at + 0.1, at + 0.2, at + 0.9, 12, None)
for state in ("40001", "23514"):  # one that waited, and one that failed at once
    error = DatabaseError(state, "refused")
    recorder.transaction("save", at + 0.1, at + 0.1, at + 0.4, 0, error)
    locust_figures.failed(environment, "save", 300.0, error, kept_in_latency(error))
before = environment.stats.total.num_requests
recorder.tick(at + 1, 1)
recorder.close()
stats = environment.stats
closed = [before, page(stats.get("open", "transaction")), page(stats.get("save", "transaction")), page(stats.total)]
opened = OpenRecorder()
others, _ = shown(opened)
opened.tick(at, 1)
opened.arrival("open", Arrival(at + 0.2, at + 0.2), at + 0.2, at + 1.7, 5, None)
opened.dropped("open", at + 0.2, at + 1.7)
opened.close()
heard = Recorder()
_, each = shown(heard, lambda **_: None)
print(json.dumps({"fired": fired, "closed": closed, "opened": page(others.stats.total), "each": each}))
"""


def test_seconds_are_counted_as_requests_would_be() -> None:
    done = subprocess.run([sys.executable, "-c", SECONDS], capture_output=True, text=True, timeout=60, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["fired"], found["each"]) == (False, True), "somebody who listens hears every request"
    before, opens, saves, total = found["closed"]
    assert before == 1, "what succeeds waits for the end of its second, a failure does not"
    assert opens == [91, 0, 0.312, 800, pytest.approx((90 * 0.312 + 800) / 91, rel=1e-3), pytest.approx(192 / 91), 91]
    assert saves == [2, 2, pytest.approx(300, rel=1e-3), 300, pytest.approx(300, rel=1e-3), 0, 2]
    assert total[:2] == [93, 2]
    assert total[-1] == 93
    # What was dropped is no request.
    assert found["opened"] == [1, 0, pytest.approx(1500, rel=1e-3), 1500, pytest.approx(1500, rel=1e-3), 5, 1]
