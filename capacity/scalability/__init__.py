"""Scalability: the capacity that a sweep measured, and the law of throughput by concurrency.

Capacity follows from measured levels (:func:`capacity_at_objective`). The Universal Scalability Law (:func:`fit_usl`)
explains and interpolates; far outside the measured range its predictions are wrong by a factor of two in published
data, so it refuses them.
"""

from capacity.scalability.fit import fit_usl
from capacity.scalability.law import Law
from capacity.scalability.objective import MET_PROBABILITY, Capacity, Repeat, capacity_at_objective
from capacity.scalability.sweep_fit import fit_sweep
from capacity.scalability.usl import REACH, Model, Usl

__all__ = [
    "MET_PROBABILITY",
    "REACH",
    "Capacity",
    "Law",
    "Model",
    "Repeat",
    "Usl",
    "capacity_at_objective",
    "fit_sweep",
    "fit_usl",
]
