"""Policy of the action mode `bids` whose weights fit fleets of any number of satellites and of classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from gymnasium import spaces
from stable_baselines3.common.type_aliases import Schedule
from torch import Tensor, nn

from odc_gym.interface.actions import ActionLayout
from odc_gym.interface.observations import FLEET, FLEET_CLASS, SATELLITE, SATELLITE_CLASS, satellite_size
from odc_gym.policies.natures import ClassNature
from odc_gym.training.set_policies import SetPolicy


class FleetPolicy(SetPolicy):
    """Actor and critic of the mode `bids`, with the same weights for each satellite and for each class.

    Each pair of a satellite and a class becomes an embedding of their features and of the fleet. Means over classes
    describe satellites, and means over satellites describe classes. Pairs give bids, satellites give clocks, and
    classes give urgencies and clock offsets. It begins with the zero action. `log_std` has entries for bids, clocks,
    urgencies and offsets. S satellites, C classes, H width.
    """

    @staticmethod
    def action_box(satellites: int, classes: int) -> spaces.Box:
        """Return the action space for S satellites and C classes."""
        return spaces.Box(-1.0, 1.0, (ActionLayout(satellites, classes).size,))

    def _build(self, lr_schedule: Schedule) -> None:
        classes = len(self.natures)
        bid, clock, urgency, offset = range(4)
        index = [*([bid] * classes + [clock]) * self.satellites, *[urgency] * classes, *[offset] * classes]
        embeddings = _Embeddings(self.satellites, self.natures, self.width)
        heads = _Heads(self.satellites, classes, self.width)
        self._assemble(embeddings, heads, self.width, index, lr_schedule)
        heads.initialise_to_zero_action()


class _Encoder(nn.Module):
    """Encoder of the flat observation (B, N) as one embedding a pair of satellite and class (B, S, C, H)."""

    natures: Tensor

    def __init__(self, satellites: int, natures: Sequence[ClassNature], width: int) -> None:
        super().__init__()
        self.satellites, self.classes = satellites, len(natures)
        features = torch.tensor([each.features for each in natures])
        self.register_buffer("natures", features, persistent=False)
        # one layer over all inputs, split so that what pairs share is computed once, not for each pair
        self.of_pair = nn.Linear(len(SATELLITE_CLASS), width)
        self.of_satellite = nn.Linear(len(SATELLITE), width, bias=False)
        self.of_class = nn.Linear(len(FLEET_CLASS) + features.shape[1], width, bias=False)
        self.of_fleet = nn.Linear(len(FLEET), width, bias=False)
        self.own = nn.Linear(width, width)
        self.same_satellite, self.same_class = (nn.Linear(width, width, bias=False) for _ in range(2))

    def forward(self, observation: Tensor) -> Tensor:
        each, classes = satellite_size(self.classes), self.classes
        of_satellites, shared = observation.tensor_split([self.satellites * each], 1)
        satellite, pair = of_satellites.reshape(-1, self.satellites, each).tensor_split([len(SATELLITE)], 2)
        fleet, by_class = shared.tensor_split([len(FLEET)], 1)
        by_class = by_class.reshape(-1, classes, len(FLEET_CLASS))
        by_class = torch.cat([by_class, self.natures.expand(len(observation), -1, -1)], 2)
        of_pairs = self.of_pair(pair.reshape(-1, self.satellites, classes, len(SATELLITE_CLASS)))
        of_classes = self.of_class(by_class) + self.of_fleet(fleet)[:, None]
        first = torch.tanh(of_pairs + self.of_satellite(satellite)[:, :, None] + of_classes[:, None])
        others = self.same_satellite(first.mean(2))[:, :, None] + self.same_class(first.mean(1))[:, None]
        return torch.tanh(self.own(first) + others)


class _Embeddings(nn.Module):
    """Encoders of the actor, with flat embeddings (B, S C H), and of the critic, with a pooled embedding (B, H)."""

    def __init__(self, satellites: int, natures: Sequence[ClassNature], width: int) -> None:
        super().__init__()
        self.actor, self.critic = _Encoder(satellites, natures, width), _Encoder(satellites, natures, width)
        self.pooled = nn.Linear(width, width)
        self.latent_dim_pi, self.latent_dim_vf = satellites * len(natures) * width, width

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        return self.forward_actor(features), self.forward_critic(features)

    def forward_actor(self, features: Tensor) -> Tensor:
        return self.actor(features).flatten(1)  # type: ignore[no-any-return]

    def forward_critic(self, features: Tensor) -> Tensor:
        return torch.tanh(self.pooled(self.critic(features).mean((1, 2))))


class _Heads(nn.Module):
    """Layers from embeddings (B, S C H) to the mean action (B, A)."""

    def __init__(self, satellites: int, classes: int, width: int) -> None:
        super().__init__()
        self.shape = (-1, satellites, classes, width)
        self.bid = nn.Linear(width, 1)
        self.of_satellite, self.clock = nn.Linear(width, width), nn.Linear(width, 1)
        self.of_class, self.queue = nn.Linear(width, width), nn.Linear(width, 2)

    def initialise_to_zero_action(self) -> None:
        """Make the mean action zero, from which learning begins."""
        for layer in (self.bid, self.clock, self.queue):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, latent: Tensor) -> Tensor:
        pairs = latent.reshape(self.shape)
        clocks = self.clock(torch.tanh(self.of_satellite(pairs.mean(2))))
        by_class = self.queue(torch.tanh(self.of_class(pairs.mean(1))))  # urgencies and offsets, (B, C, 2)
        bids = self.bid(pairs)[..., 0]
        return torch.cat([torch.cat([bids, clocks], 2).flatten(1), by_class.transpose(1, 2).flatten(1)], 1)
