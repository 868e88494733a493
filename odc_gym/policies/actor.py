"""Actor of `odc_gym.training.fleet_policy.FleetPolicy` in NumPy, and the shapes of its tensors.

S satellites, C classes, H width. The names of the tensors are those of the PyTorch modules behind `PREFIXES`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from odc_gym.interface.observations import FLEET, FLEET_CLASS, SATELLITE, SATELLITE_CLASS, satellite_size
from odc_gym.policies.natures import NATURE_FEATURES, ClassNature

Array = NDArray[np.float32]
PREFIXES = {"encoder": "mlp_extractor.actor", "heads": "action_net"}
"""Parts of the actor, and their places in the policy of PyTorch."""


def shapes(width: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor of an actor of a width."""
    inputs = {"of_pair": len(SATELLITE_CLASS), "of_satellite": len(SATELLITE), "of_fleet": len(FLEET)}
    inputs |= {"of_class": len(FLEET_CLASS) + NATURE_FEATURES}
    inputs |= dict.fromkeys(("own", "same_satellite", "same_class"), width)
    found: dict[str, tuple[int, ...]] = {f"encoder.{name}.weight": (width, size) for name, size in inputs.items()}
    found |= {f"encoder.{name}.bias": (width,) for name in ("of_pair", "own")}
    for name, size, outputs in (
        ("bid", width, 1), ("of_satellite", width, width), ("clock", width, 1), ("of_class", width, width),
        ("queue", width, 2),
    ):  # fmt: skip
        found |= {f"heads.{name}.weight": (outputs, size), f"heads.{name}.bias": (outputs,)}
    return found


class Actor:
    """Actor for a fleet: from flat observations to the means of the actions."""

    def __init__(self, tensors: Mapping[str, Array], satellites: int, natures: Sequence[ClassNature]) -> None:
        """Store the tensors.

        Args:
            tensors: tensors by name, with the shapes of `shapes`.
            satellites: number of satellites S.
            natures: nature of each of the C classes.
        """
        self._tensors = tensors
        self._satellites, self._classes = satellites, len(natures)
        self._natures = np.array([each.features for each in natures], np.float32)

    def act(self, observations: Array) -> Array:
        """Return the actions (B, S (C + 1) + 2 C) for observations (B, N), before they are clipped.

        They are computed row by row, because a matrix product rounds differently in batches of different sizes.
        """
        return np.array([self._action(self._embeddings(row)) for row in observations])

    def _embeddings(self, observation: Array) -> Array:
        """Return the embeddings of pairs of a satellite and a class, (S, C, H), for an observation (N,)."""
        each, classes = satellite_size(self._classes), self._classes
        of_satellites, shared = np.split(observation, [self._satellites * each])
        satellite, pair = np.split(of_satellites.reshape(self._satellites, each), [len(SATELLITE)], 1)
        fleet, by_class = np.split(shared, [len(FLEET)])
        by_class = np.concatenate([by_class.reshape(classes, len(FLEET_CLASS)), self._natures], 1)
        of_pairs = self._linear("encoder.of_pair", pair.reshape(self._satellites, classes, len(SATELLITE_CLASS)))
        of_classes = self._linear("encoder.of_class", by_class) + self._linear("encoder.of_fleet", fleet)
        first = np.tanh(of_pairs + self._linear("encoder.of_satellite", satellite)[:, None] + of_classes)
        same_satellite = self._linear("encoder.same_satellite", first.mean(1))
        same_class = self._linear("encoder.same_class", first.mean(0))
        return np.asarray(np.tanh(self._linear("encoder.own", first) + same_satellite[:, None] + same_class))

    def _action(self, pairs: Array) -> Array:
        """Return the action (A,) for embeddings (S, C, H)."""
        bids = self._linear("heads.bid", pairs)[..., 0]
        clocks = self._linear("heads.clock", np.tanh(self._linear("heads.of_satellite", pairs.mean(1))))
        queue = self._linear("heads.queue", np.tanh(self._linear("heads.of_class", pairs.mean(0))))
        return np.concatenate([np.concatenate([bids, clocks], 1).ravel(), queue.T.ravel()])

    def _linear(self, name: str, inputs: Array) -> Array:
        """Return the outputs of a layer, whose bias may be absent."""
        bias = self._tensors.get(f"{name}.bias")
        outputs = inputs @ self._tensors[f"{name}.weight"].T
        return outputs if bias is None else outputs + bias
