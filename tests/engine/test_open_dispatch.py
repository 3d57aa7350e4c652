"""Arrivals handed to greenlets: in order, on time, none lost. Each script in a process of its own, for gevent's hub."""

import json
import subprocess
import sys
from typing import Any

import pytest

PRELUDE = """
import json, time
import gevent
from loadgen.engine.pacing.alarm import HubAlarm, TimerfdAlarm, make_alarm
from loadgen.engine.pacing.dispatch import Dispatcher
taken = []
def user(dispatcher, service_s):
    while (turn := dispatcher.take()) is not None:
        taken.append((turn.intended, turn.ready, time.monotonic()))
        gevent.sleep(service_s)
"""

TRIES = 10


def run(script: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("alarm", ["TimerfdAlarm", "HubAlarm"])
def test_idle_connections_take_every_arrival_in_order_and_never_early(alarm: str) -> None:
    if alarm == "TimerfdAlarm" and sys.platform != "linux":
        pytest.skip("timerfd is Linux's")
    script = f"""
dispatcher = Dispatcher({alarm})
users = [gevent.spawn(user, dispatcher, 0.0005) for _ in range(4)]
gevent.sleep(0.01)
idle = dispatcher.idle
start = time.monotonic() + 0.05
dispatcher.begin(iter([start + k / 500 for k in range(500)]))
done = len(gevent.joinall(users, timeout=20))
lags = sorted(at - intended for intended, _, at in taken)
print(json.dumps([idle, done, len(taken), taken == sorted(taken), lags[0], lags[len(lags) // 2]]))
"""
    # The hub's own timer is some 0.5 ms late at the median, whenever it is tried; a busy machine only now and then.
    allowed_s = 0.0004 if alarm == "TimerfdAlarm" else 0.005
    medians = []
    while not medians or (min(medians) >= allowed_s and len(medians) < TRIES):
        idle, done, count, ordered, least, median = run(script)
        assert (idle, done, count, ordered) == (4, 4, 500, True)
        assert least >= 0
        medians.append(median)
    assert min(medians) < allowed_s


def test_what_finds_all_connections_busy_waits_its_turn_and_keeps_its_time() -> None:
    """One connection of 10 ms, arrivals each 5 ms: the k-th is sent 5k ms late, its time as it was."""
    found = run("""
dispatcher = Dispatcher()
one = gevent.spawn(user, dispatcher, 0.010)
start = time.monotonic() + 0.02
dispatcher.begin(iter([start + k * 0.005 for k in range(40)]))
gevent.sleep(start + 0.1975 - time.monotonic())
waiting = dispatcher.backlog(time.monotonic())
dispatcher.end(time.monotonic())  # the fortieth is in the past by now
one.join(timeout=20)
last = taken[-1]
print(json.dumps([waiting, len(taken), [i - start for i, _, _ in taken], last[2] - last[0], last[1] - last[0]]))
""")
    waiting, count, intended, lag, blamed = found
    assert 15 <= waiting < 40
    assert count == 40
    assert intended == pytest.approx([k * 0.005 for k in range(40)], abs=1e-6)
    assert lag >= 39 * 0.005 * 0.98  # a service of 10 ms is never shorter, and longer on a busy machine
    assert blamed == pytest.approx(lag, abs=0.005), "the wait is the connections' doing, not the generator's"


def test_an_end_cuts_what_lies_ahead_and_a_kill_loses_nothing() -> None:
    found = run("""
dispatcher = Dispatcher()
users = [gevent.spawn(user, dispatcher, 0.0) for _ in range(3)]
start = time.monotonic()
dispatcher.begin(iter([start + 0.05, start + 0.06, start + 60, start + 61]))
gevent.sleep(0.01)
waiting = dispatcher.idle
users[0].kill()  # while it waits, the first in the queue
left = dispatcher.idle
gevent.sleep(0.1)
dispatcher.end(time.monotonic())
gevent.joinall(users, timeout=5)
stuck = sum(not one.dead for one in users)
# Nobody is there any more: what is due stays to be accounted for.
late = Dispatcher()
now = time.monotonic()
late.begin(iter([now - 0.2, now - 0.1, now + 60]))
late.end(now)
print(json.dumps([waiting, left, len(taken), stuck, late.backlog(now), len(list(late.rest())), late.take()]))
""")
    assert found == [3, 2, 2, 0, 2, 2, None]


def test_an_end_before_the_beginning_sends_everybody_home() -> None:
    assert run("""
dispatcher = Dispatcher()
users = [gevent.spawn(user, dispatcher, 0.0) for _ in range(3)]
gevent.sleep(0.01)
dispatcher.end(time.monotonic())
gevent.joinall(users, timeout=5)
print(json.dumps([one.dead for one in users] + [len(taken)]))
""") == [True, True, True, 0]
