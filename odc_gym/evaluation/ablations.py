"""Probes: schedulers of which a part is taken away, so that the loss of score tells what it is worth."""

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
"""Kinds of components of an action."""

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
    "queue": ("waiting_work_s", "waiting_urgent_s", "waiting_soon_s", "waiting_later_s", "oldest_wait_s"),
    "arrivals and backlog": ("arrival_rate", "backlog_s", "served_frac"),
}
"""Features that tell of one thing, by its name; features in none of them are the block `other`."""


def components_by_kind(layout: ActionLayout, actions: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Views of actions (B, A) by kind, as the layout gives them."""
    return {
        "bid": layout.bids(actions),
        "clock": layout.clocks(actions),
        "urgency": layout.urgency(actions),
        "clock_offset": layout.offsets(actions),
    }


class Zeroed:
    """A scheduler some of whose kinds of components are held at zero, the operator's default."""

    def __init__(self, scheduler: SchedulerLike, kinds: Collection[str]) -> None:
        """Let `scheduler` act, then write zeros over these `kinds`."""
        self._scheduler, self._kinds = scheduler, kinds

    def reset(self, view: Any, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Begin new episodes."""
        self._scheduler.reset(view, mask, seeds)

    def act(self, view: Any) -> NDArray[Any]:
        """The scheduler's actions (B, A), zero in the frozen components."""
        actions = np.array(self._scheduler.act(view), order="C")
        every = components_by_kind(view.layout, actions)
        for kind in self._kinds:
            every[kind][...] = 0.0
        return actions


class Perturbed:
    """A scheduler with noise that means nothing: what the score changes by it, any change of the scheduler changes."""

    def __init__(self, scheduler: SchedulerLike, deviation: float) -> None:
        """Add noise of this `deviation` to every component of what `scheduler` does, drawn by the episode's number."""
        self._scheduler, self._deviation = scheduler, deviation
        self._generators: dict[int, np.random.Generator] = {}

    def reset(self, view: Any, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Begin new episodes."""
        self._scheduler.reset(view, mask, seeds)
        for row in np.flatnonzero(mask).tolist():
            self._generators[row] = np.random.default_rng(int(seeds[row]))

    def act(self, view: Any) -> NDArray[Any]:
        """The scheduler's actions (B, A) and the noise."""
        actions = self._scheduler.act(view)
        noise = np.stack([self._generators[row].standard_normal(actions.shape[1]) for row in range(len(actions))])
        return np.asarray(actions + self._deviation * noise)


class Masked:
    """A scheduler that reads the encoded observation, with constants in some places of it."""

    def __init__(self, scheduler: SchedulerLike, indices: NDArray[np.intp], constants: NDArray[np.float32]) -> None:
        """Show `scheduler` the `constants` at these `places` of the flat observation."""
        self._scheduler, self._indices, self._constants = scheduler, indices, constants

    def reset(self, view: Any, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Begin new episodes."""
        self._scheduler.reset(view, mask, seeds)

    def act(self, view: Any) -> NDArray[Any]:
        """Actions (B, A) for what is left to see."""
        encoded = view.encoded.copy()
        encoded[:, self._indices] = self._constants
        return self._scheduler.act(_MaskedView(view, encoded))


class _MaskedView:
    """A view whose encoded observation is another one."""

    def __init__(self, view: Any, encoded: NDArray[np.float32]) -> None:
        self._view, self.encoded = view, encoded

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)


@dataclass(frozen=True)
class AblatedFactory:
    """What makes a scheduler with a part taken away; it can be sent to another process.

    Attributes:
        factory: of the whole scheduler.
        change: whole scheduler to the changed one.
    """

    factory: SchedulerFactoryLike
    change: Callable[[SchedulerLike], SchedulerLike]

    @property
    def requires(self) -> Mapping[str, Any]:
        """The environment that the whole scheduler needs."""
        found: Mapping[str, Any] = getattr(self.factory, "requires", {})
        return found

    def __call__(self, view: Any) -> SchedulerLike:
        """Make it."""
        return self.change(self.factory(view))


def zeroed(factory: SchedulerFactoryLike, kinds: Collection[str]) -> SchedulerFactoryLike:
    """What makes the scheduler with these kinds of components at zero."""
    return AblatedFactory(factory, partial(Zeroed, kinds=tuple(kinds)))


def perturbed(factory: SchedulerFactoryLike, deviation: float) -> SchedulerFactoryLike:
    """What makes the scheduler with noise on its actions."""
    return AblatedFactory(factory, partial(Perturbed, deviation=deviation))


def masked(
    factory: SchedulerFactoryLike, indices: NDArray[np.intp], constants: NDArray[np.float32]
) -> SchedulerFactoryLike:
    """What makes the scheduler with constants at places of its observation."""
    return AblatedFactory(factory, partial(Masked, indices=indices, constants=constants))


def flat_features(satellites: int, classes: int) -> list[tuple[str, int]]:
    """Feature and class (-1 for none) at each place of the flat observation, in the order of `observations.encode`."""
    of_satellite = [(f.name, -1) for f in SATELLITE] + [(f.name, c) for c in range(classes) for f in SATELLITE_CLASS]
    of_fleet = [(f.name, -1) for f in FLEET] + [(f.name, c) for c in range(classes) for f in FLEET_CLASS]
    return of_satellite * satellites + of_fleet


def block_indices(satellites: int, classes: int) -> dict[str, NDArray[np.intp]]:
    """Places of each block in the flat observation."""
    block_of = {feature: block for block, members in OBSERVATION_BLOCKS.items() for feature in members}
    names = [block_of.get(feature, "other") for feature, _ in flat_features(satellites, classes)]
    return {name: np.flatnonzero([other == name for other in names]) for name in dict.fromkeys(names)}


def feature_means(observations: NDArray[np.float32], satellites: int, classes: int) -> NDArray[np.float32]:
    """Mean of each feature and class over observations (..., N) and satellites, at each of its places (N,)."""
    means = observations.reshape(-1, observations.shape[-1]).mean(0, dtype=np.float64)
    places: dict[tuple[str, int], list[int]] = {}
    for place, feature in enumerate(flat_features(satellites, classes)):
        places.setdefault(feature, []).append(place)
    for alike in places.values():
        means[alike] = means[alike].mean()
    return np.asarray(means, np.float32)
