"""Ablations: schedulers with one part disabled or disturbed. The change of the score is the worth of that part."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.evaluation.worker import SchedulerFactoryLike, SchedulerLike
from odc_gym.interface.actions import ACTIONS, ActionLayout
from odc_gym.interface.observations import FLEET, FLEET_CLASS, SATELLITE, SATELLITE_CLASS

ACTION_KINDS = tuple(row.name for row in ACTIONS)
"""Names of the kinds of action components."""

OBSERVATION_BLOCKS = {
    "charge": ("charge_frac", "usable_energy_j"),
    "temperatures": ("junction_k", "radiator_k"),
    "clocks and power": ("clock_granted", "clock_request", "clock_sustainable", "power_w"),
    "shed and tripped": ("shed", "tripped"),
    "free accelerators": ("free", "gated"),
    "sunlight now": ("sunlit_frac",),
    "time to light and dark": ("time_to_crossing_s", "eclipse_length_s"),
    "solar forecast": ("solar_15_w", "solar_30_w", "solar_60_w", "solar_95_w"),
    "running, by class": ("running",),
    "progress, by class": ("remaining_work_s", "least_slack_s", "unsaved_work_s"),
    "transfers, by class": ("transfers_gb",),
    "checkpoints and gangs": ("checkpoint_age_s", "gang_satellites"),
    "network": ("ground_gb_s", "ground_hops", "ground_closes_s", "own_links", "terminals_busy"),
    "outages": ("in_service", "safe_mode_s"),
    "last bids": ("bid",),
    "hour of day": ("day_sine", "day_cosine"),
    "fleet": ("charge_mean_frac", "charge_least_frac", "junction_margin_k", "shed_count", "trips", "moves"),
    "fleet load": ("free_mean", "load"),
    "fragmentation": ("free_eighth", "free_quarter", "free_half", "free_whole"),
    "queue": (
        "waiting_work_s",
        "waiting_late_s",
        "waiting_urgent_s",
        "waiting_soon_s",
        "waiting_later_s",
        "oldest_wait_s",
    ),
    "queue by width": (
        "waiting_eighth_s",
        "waiting_quarter_s",
        "waiting_half_s",
        "waiting_whole_s",
        "oldest_wait_eighth_s",
        "oldest_wait_quarter_s",
        "oldest_wait_half_s",
        "oldest_wait_whole_s",
    ),
    "arrivals and backlog": ("arrival_rate", "backlog_s", "served_frac"),
}
"""Observation features by block name. A feature that no block lists belongs to the block `other`."""


def components_by_kind(layout: ActionLayout, actions: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return writable views of actions (B, A), keyed by the kind of component."""
    return {
        "bid": layout.bids(actions),
        "clock": layout.clocks(actions),
        "urgency": layout.urgency(actions),
        "clock_offset": layout.offsets(actions),
    }


class Zeroed:
    """Scheduler wrapper that sets some kinds of action components to zero, the operator's default."""

    def __init__(self, scheduler: SchedulerLike, kinds: Collection[str]) -> None:
        """Wrap `scheduler`; `kinds` names the kinds of components that are set to zero."""
        self._scheduler, self._kinds = scheduler, kinds

    def reset(self, view: Any, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Begin new episodes."""
        self._scheduler.reset(view, mask, seeds)

    def act(self, view: Any) -> NDArray[Any]:
        """Return the scheduler's actions (B, A) with zeros in the chosen components."""
        actions = np.array(self._scheduler.act(view), order="C")
        components = components_by_kind(view.layout, actions)
        for kind in self._kinds:
            components[kind][...] = 0.0
        return actions


class Perturbed:
    """Scheduler wrapper that adds small random noise to every action component.

    The noise carries no information. The change of the score is therefore the variation that any change of the
    scheduler causes.
    """

    def __init__(self, scheduler: SchedulerLike, deviation: float) -> None:
        """Wrap `scheduler`; `deviation` is the standard deviation of the noise, and the episode number is its seed."""
        self._scheduler, self._deviation = scheduler, deviation
        self._generators: dict[int, np.random.Generator] = {}

    def reset(self, view: Any, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Begin new episodes."""
        self._scheduler.reset(view, mask, seeds)
        for row in np.flatnonzero(mask).tolist():
            self._generators[row] = np.random.default_rng(int(seeds[row]))

    def act(self, view: Any) -> NDArray[Any]:
        """Return the scheduler's actions (B, A) plus the noise."""
        actions = self._scheduler.act(view)
        noise = np.stack([self._generators[row].standard_normal(actions.shape[1]) for row in range(len(actions))])
        return np.asarray(actions + self._deviation * noise)


class Masked:
    """Scheduler wrapper that replaces some entries of the encoded observation with constants."""

    def __init__(self, scheduler: SchedulerLike, indices: NDArray[np.intp], constants: NDArray[np.float32]) -> None:
        """Wrap `scheduler`; it reads `constants` at `indices` of the flat observation."""
        self._scheduler, self._indices, self._constants = scheduler, indices, constants

    def reset(self, view: Any, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Begin new episodes."""
        self._scheduler.reset(view, mask, seeds)

    def act(self, view: Any) -> NDArray[Any]:
        """Return the scheduler's actions (B, A) for the masked observation."""
        encoded = view.encoded.copy()
        encoded[:, self._indices] = self._constants
        return self._scheduler.act(_MaskedView(view, encoded))


class _MaskedView:
    """View with a replaced encoded observation; all other attributes are those of the original view."""

    def __init__(self, view: Any, encoded: NDArray[np.float32]) -> None:
        self._view, self.encoded = view, encoded

    def __getattr__(self, name: str) -> Any:
        if name == "_view":  # a copy asks for it before it has attributes
            raise AttributeError(name)
        return getattr(self._view, name)


@dataclass(frozen=True)
class AblatedFactory:
    """Picklable factory of an ablated scheduler.

    Attributes:
        factory: makes the unchanged scheduler.
        change: wraps the unchanged scheduler in its ablation.
    """

    factory: SchedulerFactoryLike
    change: Callable[[SchedulerLike], SchedulerLike]

    @property
    def requires(self) -> Mapping[str, Any]:
        """Requirements of the unchanged scheduler."""
        found: Mapping[str, Any] = getattr(self.factory, "requires", {})
        return found

    def __call__(self, view: Any) -> SchedulerLike:
        """Make the ablated scheduler for a view."""
        return self.change(self.factory(view))


def zeroed(factory: SchedulerFactoryLike, kinds: Collection[str]) -> SchedulerFactoryLike:
    """Return a factory of the scheduler with these kinds of components at zero."""
    return AblatedFactory(factory, partial(Zeroed, kinds=tuple(kinds)))


def perturbed(factory: SchedulerFactoryLike, deviation: float) -> SchedulerFactoryLike:
    """Return a factory of the scheduler with noise of this standard deviation on its actions."""
    return AblatedFactory(factory, partial(Perturbed, deviation=deviation))


def masked(
    factory: SchedulerFactoryLike, indices: NDArray[np.intp], constants: NDArray[np.float32]
) -> SchedulerFactoryLike:
    """Return a factory of the scheduler that reads `constants` at `indices` of its observation."""
    return AblatedFactory(factory, partial(Masked, indices=indices, constants=constants))


def flat_features(satellites: int, classes: int) -> list[tuple[str, int]]:
    """List the feature and class of each entry of the flat observation; class -1 means none.

    The order is that of `observations.encode`.
    """
    of_satellite = [(f.name, -1) for f in SATELLITE] + [(f.name, c) for c in range(classes) for f in SATELLITE_CLASS]
    of_fleet = [(f.name, -1) for f in FLEET] + [(f.name, c) for c in range(classes) for f in FLEET_CLASS]
    return of_satellite * satellites + of_fleet


def block_indices(satellites: int, classes: int) -> dict[str, NDArray[np.intp]]:
    """Return the indices of each block in the flat observation."""
    block_of = {feature: block for block, members in OBSERVATION_BLOCKS.items() for feature in members}
    names = [block_of.get(feature, "other") for feature, _ in flat_features(satellites, classes)]
    return {name: np.flatnonzero([other == name for other in names]) for name in dict.fromkeys(names)}


def feature_means(observations: NDArray[np.float32], satellites: int, classes: int) -> NDArray[np.float32]:
    """Average each feature and class over observations (..., N) and satellites.

    Returns:
        (N,) means; all entries of the same feature and class hold the same value.
    """
    means = observations.reshape(-1, observations.shape[-1]).mean(0, dtype=np.float64)
    indices: dict[tuple[str, int], list[int]] = {}
    for index, feature in enumerate(flat_features(satellites, classes)):
        indices.setdefault(feature, []).append(index)
    for same_feature in indices.values():
        means[same_feature] = means[same_feature].mean()
    return np.asarray(means, np.float32)
