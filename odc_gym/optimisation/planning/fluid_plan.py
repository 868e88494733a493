"""Fluid plan: a linear program for the next hours, with work and accelerators as quantities that can be divided."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from odc_gym.optimisation.planning.fluid_inputs import FluidInputs

Array = NDArray[Any]

SOON = 0.01  # part of its value that work loses in each slot that it is put off
HEAT_PENALTY = 3.0  # price of a kWh above the limit of heat, over the value of the work of that kWh
SHORT_PENALTY = 20.0  # the same for a kWh that bus and accelerators want and do not get


class FluidPlan(NamedTuple):
    """First slot of a plan, per satellite of each group."""

    power_w: Array  # (G,) compute power
    accelerators: Array  # (G, C) accelerators at work
    clock: Array  # (G, C) mean clock level of these, from 0, the lowest clock, to 1; 1 without any


class _Program:
    """Rows of a linear program under construction, for a minimum over variables in blocks."""

    def __init__(self) -> None:
        self.cost: list[Array] = []
        self.high: list[Array] = []
        self.size = 0
        self._equal: tuple[list[Array], ...] = ([], [], [], [])
        self._most: tuple[list[Array], ...] = ([], [], [], [])
        self._count = [0, 0]

    def block(self, shape: tuple[int, ...], cost: Any = 0.0, high: Any = np.inf) -> Array:
        """Add variables from 0 to `high` with costs, and return their numbers, (shape)."""
        numbers = self.size + np.arange(int(np.prod(shape))).reshape(shape)
        self.size += numbers.size
        self.cost.append(np.broadcast_to(cost, shape).ravel().astype(float))
        self.high.append(np.broadcast_to(high, shape).ravel().astype(float))
        return numbers

    def rows(self, right: Array, *terms: tuple[Array, Any], equal: bool = False) -> None:
        """Add a row for each element of `right`: the sum of the terms is at most, or equals, that element.

        Args:
            right: right-hand sides, (shape).
            *terms: numbers of variables and their coefficients, (shape, ...) both after broadcasting; further axes sum.
            equal: whether the rows are equations.
        """
        store = self._equal if equal else self._most
        first = self._count[equal]
        shape = right.shape
        row = first + np.arange(right.size).reshape(shape)
        for numbers, factors in terms:
            wide = row.reshape(shape + (1,) * (numbers.ndim - row.ndim))
            store[0].append(np.broadcast_to(wide, numbers.shape).ravel())
            store[1].append(numbers.ravel())
            store[2].append(np.broadcast_to(factors, numbers.shape).ravel().astype(float))
        store[3].append(right.ravel().astype(float))
        self._count[equal] += right.size

    def solved(self) -> Array | None:
        """Return the solution of HiGHS, or None if it finds none."""
        from scipy.optimize import linprog
        from scipy.sparse import coo_array

        arguments: dict[str, Any] = {}
        for kind, store, count in (("ub", self._most, self._count[0]), ("eq", self._equal, self._count[1])):
            row, column, factor, right = (np.concatenate(part) for part in store)
            arguments[f"A_{kind}"] = coo_array((factor, (row, column)), (count, self.size)).tocsr()
            arguments[f"b_{kind}"] = right
        bounds = [(0.0, most) for most in np.concatenate(self.high).tolist()]
        found = linprog(np.concatenate(self.cost), bounds=bounds, method="highs", **arguments)
        return np.asarray(found.x) if found.success else None


def fluid_plan(given: FluidInputs) -> FluidPlan | None:
    """Solve the plan of the next hours, and return its first slot; None if the solver fails.

    Variables of each slot and group are accelerators at work by class and clock level, array power, and charge and
    discharge of tiers of the battery. Tiers make wear a convex price of discharge. The plan maximises the value of
    work, less wear and penalties, plus the price of stored energy at its end.

    Args:
        given: inputs of the plan.
    """
    slots, groups = given.array_kw.shape
    classes, levels = given.busy_kw.shape[1:]
    hours = given.slot_h
    best = float((given.value[:, None] * given.rate / np.maximum(given.busy_kw, 1e-9)).max())  # points a kWh
    program = _Program()
    soon = (1.0 - SOON * np.arange(slots))[:, None]
    at_work = program.block((slots, groups, classes, levels))
    size = given.size[:, None, None]
    done = program.block((slots, classes), cost=-given.value * soon)  # reference-accelerator-hours
    array = program.block((slots, groups), high=given.array_kw)
    tiers = len(given.tier_kwh)
    out = program.block((slots, tiers, groups), cost=given.wear * given.size * hours)
    into = program.block((slots, tiers, groups))
    last = np.zeros((slots, 1, 1))
    last[-1] = 1.0
    drawn = program.block((slots, tiers, groups), cost=last * given.stored * given.size, high=given.tier_kwh)
    hot = program.block((slots, groups), cost=HEAT_PENALTY * best * hours * given.size)
    short = program.block((slots, groups), cost=SHORT_PENALTY * best * hours * given.size)
    ones = np.ones((slots, groups))
    by_group = at_work.reshape(slots, groups, -1)
    busy_kw = given.busy_kw.reshape(groups, -1)
    eta, eta_in, eta_out = given.eta
    program.rows(ones * given.accelerators, (by_group, 1.0))
    program.rows(given.limit_kw - given.compute_idle_kw, (by_group, busy_kw), (hot, -1.0))
    for k, flow in enumerate((into, out)):
        program.rows(ones * given.rates_kw[k], (np.moveaxis(flow, 1, 2), 1.0))
    program.rows(
        ones * given.idle_kw / eta, (array, 1.0), (short, 1.0), (np.moveaxis(out, 1, 2), eta_out[:, None]),
        (np.moveaxis(into, 1, 2), -1.0 / eta_in[:, None]), (by_group, -busy_kw / eta[:, None]), equal=True,
    )  # fmt: skip
    change = [(drawn, 1.0), (out, -hours), (into, hours)]
    program.rows(given.drawn_kwh[None], *((v[:1], f) for v, f in change), equal=True)
    program.rows(np.zeros((slots - 1, tiers, groups)), *((v[1:], f) for v, f in change), (drawn[:-1], -1.0), equal=True)
    by_class = np.moveaxis(at_work, 2, 1).reshape(slots, classes, -1)  # (T, C, G L)
    rate = np.moveaxis(given.rate * size, 1, 0).reshape(classes, -1) * given.headroom[:, None] * hours
    program.rows(np.zeros((slots, classes)), (done, 1.0), (by_class, -rate))
    service = np.flatnonzero(given.service)
    program.rows(given.work_h[:, service], (done[:, service], 1.0))
    width = np.repeat(given.size, levels)
    for c in np.flatnonzero(~given.service).tolist():
        for t in range(slots):
            program.rows(given.work_h[t : t + 1, c], (done[None, : t + 1, c], 1.0))
        program.rows(given.width[:, c], (by_class[:, c], width))
    x = program.solved()
    if x is None:
        return None
    first = x[at_work[0]]
    total = first.sum(2)
    power_kw = given.compute_idle_kw + (first * given.busy_kw).sum((1, 2))
    share = (first * np.linspace(0.0, 1.0, levels)).sum(2)
    return FluidPlan(1e3 * power_kw, total, np.where(total > 1e-6, share / np.maximum(total, 1e-6), 1.0))
