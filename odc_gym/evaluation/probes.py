"""Probes: schedulers of which a part is taken away, so that the loss of score tells what it is worth."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.evaluation.stage import Player, PlayerFactory
from odc_gym.interface.actions import ACTIONS, ActionLayout
from odc_gym.interface.observations import FLEET, FLEET_CLASS, SATELLITE, SATELLITE_CLASS

KINDS = tuple(row.name for row in ACTIONS)
"""Kinds of components of an action."""

BLOCKS = {
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


def parts(layout: ActionLayout, actions: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Views of actions (B, A) by kind, as the layout gives them."""
    return {
        "bid": layout.bids(actions),
        "clock": layout.clocks(actions),
        "urgency": layout.urgency(actions),
        "clock_offset": layout.offsets(actions),
    }


class Frozen:
    """A scheduler some of whose kinds of components are held at zero, the operator's default."""

    def __init__(self, player: Player, kinds: Collection[str]) -> None:
        """Let `player` act, then write zeros over these `kinds`."""
        self._player, self._kinds = player, kinds

    def reset(self, view: Any, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Begin new episodes."""
        self._player.reset(view, mask, seeds)

    def act(self, view: Any) -> NDArray[Any]:
        """The scheduler's actions (B, A), zero in the frozen components."""
        actions = np.array(self._player.act(view), order="C")
        every = parts(view.layout, actions)
        for kind in self._kinds:
            every[kind][...] = 0.0
        return actions


class Nudged:
    """A scheduler with noise that means nothing: what the score changes by it, any change of the scheduler changes."""

    def __init__(self, player: Player, deviation: float) -> None:
        """Add noise of this `deviation` to every component of what `player` does, drawn by the episode's number."""
        self._player, self._deviation = player, deviation
        self._generators: dict[int, np.random.Generator] = {}

    def reset(self, view: Any, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Begin new episodes."""
        self._player.reset(view, mask, seeds)
        for row in np.flatnonzero(mask).tolist():
            self._generators[row] = np.random.default_rng(int(seeds[row]))

    def act(self, view: Any) -> NDArray[Any]:
        """The scheduler's actions (B, A) and the noise."""
        actions = self._player.act(view)
        noise = np.stack([self._generators[row].standard_normal(actions.shape[1]) for row in range(len(actions))])
        return np.asarray(actions + self._deviation * noise)


class Blind:
    """A scheduler that reads the encoded observation, with constants in some places of it."""

    def __init__(self, player: Player, places: NDArray[np.intp], constants: NDArray[np.float32]) -> None:
        """Show `player` the `constants` at these `places` of the flat observation."""
        self._player, self._places, self._constants = player, places, constants

    def reset(self, view: Any, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Begin new episodes."""
        self._player.reset(view, mask, seeds)

    def act(self, view: Any) -> NDArray[Any]:
        """Actions (B, A) for what is left to see."""
        encoded = view.encoded.copy()
        encoded[:, self._places] = self._constants
        return self._player.act(_Seen(view, encoded))


class _Seen:
    """A view whose encoded observation is another one."""

    def __init__(self, view: Any, encoded: NDArray[np.float32]) -> None:
        self._view, self.encoded = view, encoded

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)


@dataclass(frozen=True)
class Changed:
    """What makes a scheduler with a part taken away; it can be sent to another process.

    Attributes:
        factory: of the whole scheduler.
        change: whole scheduler to the changed one.
    """

    factory: PlayerFactory
    change: Callable[[Player], Player]

    @property
    def requires(self) -> Mapping[str, Any]:
        """The environment that the whole scheduler needs."""
        found: Mapping[str, Any] = getattr(self.factory, "requires", {})
        return found

    def __call__(self, view: Any) -> Player:
        """Make it."""
        return self.change(self.factory(view))


def frozen(factory: PlayerFactory, kinds: Collection[str]) -> PlayerFactory:
    """What makes the scheduler with these kinds of components at zero."""
    return Changed(factory, partial(Frozen, kinds=tuple(kinds)))


def nudged(factory: PlayerFactory, deviation: float) -> PlayerFactory:
    """What makes the scheduler with noise on its actions."""
    return Changed(factory, partial(Nudged, deviation=deviation))


def blind(factory: PlayerFactory, places: NDArray[np.intp], constants: NDArray[np.float32]) -> PlayerFactory:
    """What makes the scheduler with constants at places of its observation."""
    return Changed(factory, partial(Blind, places=places, constants=constants))


def features(satellites: int, classes: int) -> list[tuple[str, int]]:
    """Feature and class (-1 for none) at each place of the flat observation, in the order of `observations.encode`."""
    of_satellite = [(f.name, -1) for f in SATELLITE] + [(f.name, c) for c in range(classes) for f in SATELLITE_CLASS]
    of_fleet = [(f.name, -1) for f in FLEET] + [(f.name, c) for c in range(classes) for f in FLEET_CLASS]
    return of_satellite * satellites + of_fleet


def block_places(satellites: int, classes: int) -> dict[str, NDArray[np.intp]]:
    """Places of each block in the flat observation."""
    block_of = {feature: block for block, members in BLOCKS.items() for feature in members}
    names = [block_of.get(feature, "other") for feature, _ in features(satellites, classes)]
    return {name: np.flatnonzero([other == name for other in names]) for name in dict.fromkeys(names)}


def feature_means(observations: NDArray[np.float32], satellites: int, classes: int) -> NDArray[np.float32]:
    """Mean of each feature and class over observations (..., N) and satellites, at each of its places (N,)."""
    means = observations.reshape(-1, observations.shape[-1]).mean(0, dtype=np.float64)
    places: dict[tuple[str, int], list[int]] = {}
    for place, feature in enumerate(features(satellites, classes)):
        places.setdefault(feature, []).append(place)
    for alike in places.values():
        means[alike] = means[alike].mean()
    return np.asarray(means, np.float32)
