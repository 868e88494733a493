"""Policy of the action mode `dials` whose weights fit fleets of any number of satellites and of classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from gymnasium import spaces
from stable_baselines3.common.type_aliases import Schedule
from torch import Tensor, nn

from odc_gym.dial_files import CLASS_DIALS, FLEET_DIALS, NAMES, places_of
from odc_gym.interface.dials import ACTION_RANGE, dial_count
from odc_gym.interface.observations import FLEET, FLEET_CLASS, SATELLITE, SATELLITE_CLASS, satellite_size
from odc_gym.policies.natures import ClassNature
from odc_gym.training.set_policies import SetPolicy


class DialPolicy(SetPolicy):
    """Actor and critic of the mode `dials`, with the same weights for each satellite and for each class.

    Means and deviations over the satellites describe the fleet. Each class becomes an embedding of its features, its
    nature and the fleet, and gives its own dials. The mean of the embeddings gives the dials of the fleet.
    `start` is a role vector in the order of `dial_files.NAMES`. `log_std` has one entry for each kind of dial, those by
    class first. C classes, H width.
    """

    @staticmethod
    def action_box(satellites: int, classes: int) -> spaces.Box:
        """Return the action space of the dials of C classes; the number of satellites has no effect."""
        return spaces.Box(-ACTION_RANGE, ACTION_RANGE, (dial_count(classes),))

    def _build(self, lr_schedule: Schedule) -> None:
        classes = len(self.natures)
        by_class = [dial for dial in range(len(CLASS_DIALS)) for _ in range(classes)]
        index = [*by_class, *range(len(CLASS_DIALS), len(CLASS_DIALS) + len(FLEET_DIALS))]
        embeddings = _Embeddings(self.satellites, self.natures, self.width)
        heads = _Heads(self.natures, self.width, self.start)
        self._assemble(embeddings, heads, self.width, index, lr_schedule)
        heads.initialise_to_start()


class _Encoder(nn.Module):
    """Encoder of the flat observation (B, N) as one embedding a class (B, C, H)."""

    natures: Tensor

    def __init__(self, satellites: int, natures: Sequence[ClassNature], width: int) -> None:
        super().__init__()
        self.satellites, self.classes = satellites, len(natures)
        features = torch.tensor([each.features for each in natures])
        self.register_buffer("natures", features, persistent=False)
        of_class = len(FLEET_CLASS) + 2 * len(SATELLITE_CLASS) + features.shape[1]
        # one layer over both inputs, split so that the part of the fleet is computed once, not for each class
        self.of_class = nn.Linear(of_class, width)
        self.of_fleet = nn.Linear(len(FLEET) + 2 * len(SATELLITE), width)
        self.own, self.others = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, observation: Tensor) -> Tensor:
        each, classes = satellite_size(self.classes), self.classes
        of_satellites, shared = observation.tensor_split([self.satellites * each], 1)
        by_satellite = of_satellites.reshape(-1, self.satellites, each)
        spread = torch.stack([by_satellite.mean(1), by_satellite.std(1, correction=0)], 1)  # (B, 2, each)
        fleet = torch.cat([shared[:, : len(FLEET)], spread[:, :, : len(SATELLITE)].flatten(1)], 1)
        on_satellites = spread[:, :, len(SATELLITE) :].reshape(-1, 2, classes, len(SATELLITE_CLASS))
        of_class = torch.cat(
            [
                shared[:, len(FLEET) :].reshape(-1, classes, len(FLEET_CLASS)),
                on_satellites.transpose(1, 2).flatten(2),
                self.natures.expand(len(observation), -1, -1),
            ],
            2,
        )
        first = torch.tanh(self.of_class(of_class) + self.of_fleet(fleet)[:, None])
        return torch.tanh(self.own(first) + self.others(first.mean(1))[:, None])


class _Embeddings(nn.Module):
    """Encoders of the actor, with flat embeddings (B, C H), and of the critic, with a pooled embedding (B, H)."""

    def __init__(self, satellites: int, natures: Sequence[ClassNature], width: int) -> None:
        super().__init__()
        self.actor, self.critic = _Encoder(satellites, natures, width), _Encoder(satellites, natures, width)
        self.pooled = nn.Linear(width, width)
        self.latent_dim_pi, self.latent_dim_vf = len(natures) * width, width

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        return self.forward_actor(features), self.forward_critic(features)

    def forward_actor(self, features: Tensor) -> Tensor:
        return self.actor(features).flatten(1)  # type: ignore[no-any-return]

    def forward_critic(self, features: Tensor) -> Tensor:
        return torch.tanh(self.pooled(self.critic(features).mean(1)))


class _Heads(nn.Module):
    """Layers from embeddings (B, C H) to the mean action (B, 4 C + 15), added to the dials of the start."""

    start: Tensor
    places: Tensor

    def __init__(self, natures: Sequence[ClassNature], width: int, start: Sequence[float] | None) -> None:
        super().__init__()
        self.classes, self.width = len(natures), width
        self.pooled = nn.Linear(width, width)
        self.of_class, self.of_fleet = nn.Linear(width, len(CLASS_DIALS)), nn.Linear(width, len(FLEET_DIALS))
        places = torch.tensor(places_of([each.role for each in natures]))
        self.register_buffer("places", places, persistent=False)
        # by role, so that it fits other classes too
        self.register_buffer("start", torch.zeros(len(NAMES)) if start is None else torch.tensor(start))

    def initialise_to_start(self) -> None:
        """Make the mean dials those of the start, from which learning begins."""
        for parameter in (*self.of_class.parameters(), *self.of_fleet.parameters()):
            nn.init.zeros_(parameter)

    def forward(self, latent: Tensor) -> Tensor:
        embeddings = latent.reshape(-1, self.classes, self.width)
        by_class = self.of_class(embeddings).transpose(1, 2).flatten(1)
        fleet = self.of_fleet(torch.tanh(self.pooled(embeddings.mean(1))))
        return ACTION_RANGE * (torch.cat([by_class, fleet], 1) + self.start[self.places])
