"""Capacity planning from measurements. Pure functions: nothing here reads a file, a clock or a database.

A function returns a frozen value, or a :class:`capacity.values.Refusal` that names the missing measurement.

>>> from capacity.growth import forecast
>>> users = [1200 + 95 * month + (month % 3) * 14 for month in range(24)]
>>> year = forecast(users, horizon=12, level=0.9)
>>> end = year.forecast[-1]
>>> bool(end.low < end.point < end.high)
True

The load that a sweep supports with 95 % of responses within 50 ms:

>>> from capacity.scalability import Repeat, capacity_at_objective, fit_usl
>>> runs = [
...     Repeat(level=n, throughput_tps=400 * n / (1 + 0.25 * (n - 1)) * noise, response_ms=4 * n / noise, error_share=0)
...     for n in (1, 2, 4, 8, 16) for noise in (0.98, 1.0, 1.02)
... ]
>>> answer = capacity_at_objective(runs, response_ms=50, error_share=0.001)
>>> answer.level, answer.bracketed, round(answer.throughput_tps.value)
(8, True, 1163)

The scalability law of those throughputs, and the queue in front of two cores:

>>> law = fit_usl([run.level for run in runs], [run.throughput_tps for run in runs])
>>> round(law.alpha.value, 2)
0.25
>>> law.throughput(64).code
'not_identified'
>>> from capacity.queueing import erlang_c
>>> round(erlang_c(offered_load=1.5, servers=2).probability_of_waiting, 3)
0.643

``capacity.planner.make_plan`` makes a plan from growth, workload and measurements.
"""
