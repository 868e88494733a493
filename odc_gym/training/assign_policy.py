"""Policy for the action mode `assign` that scores pairs of jobs and satellites with shared weights."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.policies import MaskableMultiInputActorCriticPolicy
from stable_baselines3.common.type_aliases import Schedule
from torch import Tensor, nn

from odc_gym.interface.observations import SATELLITE

FREE_FEATURE = [feature.name for feature in SATELLITE].index("free")
FREE_LOGIT, WAIT_LOGIT, FIRST_LEVEL_LOGIT = 8.0, -4.0, 5.0
"""Logits of the initial policy: an empty satellite over a full one, waiting, and the first clock level.

With them the most probable choice is that of the zero action: the emptiest satellite that can take the job, at the
sustainable clock. One choice in thirty is another.
"""


class Blocks(NamedTuple):
    """Blocks of a dict observation: (B, S, F), (B, K, G), (B, K), (B, H)."""

    satellites: Tensor
    jobs: Tensor
    present: Tensor
    fleet: Tensor


class AssignPolicy(MaskableMultiInputActorCriticPolicy):
    """Policy that scores each pair of a waiting job and a satellite, waiting, and each clock level of a satellite.

    The score of a pair is the product of two embeddings, so the weights fit any number of satellites and visible jobs
    (pointer attention, Vinyals et al. 2015). S satellites, K jobs, L levels.
    """

    def __init__(
        self,
        observation_space: spaces.Dict,
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        width: int = 64,
        **kwargs: Any,
    ) -> None:
        """Build the networks.

        Args:
            observation_space: blocks of the mode `dict`.
            action_space: choices of the mode `assign`.
            lr_schedule: learning rate as a function of the remaining share of training.
            width: width of the embeddings.
            **kwargs: as in sb3-contrib.
        """
        self.width = width
        super().__init__(observation_space, action_space, lr_schedule, **kwargs)

    def _build(self, lr_schedule: Schedule) -> None:
        assert isinstance(self.observation_space, spaces.Dict)
        assert isinstance(self.action_space, spaces.MultiDiscrete)
        shapes = {name: space.shape or () for name, space in self.observation_space.spaces.items()}
        self.mlp_extractor = _IdentityExtractor(self.features_dim)  # type: ignore[assignment]
        self.action_net = _ChoiceScorer(shapes, int(self.action_space.nvec[-1]), self.width)
        self.value_net = _Critic(shapes, self.width)  # type: ignore[assignment]
        for module in (self.action_net, self.value_net):
            module.apply(partial(self.init_weights, gain=float(np.sqrt(2))))
        self.action_net.initialise_to_zero_action()
        self.optimizer = self.optimizer_class(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)  # type: ignore[call-arg]

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return super()._get_constructor_parameters() | {"width": self.width}


class _IdentityExtractor(nn.Module):
    """Extractor that returns the observation unchanged, because actor and critic have their own encoders."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.latent_dim_pi = self.latent_dim_vf = size

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        return features, features

    def forward_actor(self, features: Tensor) -> Tensor:
        return features

    def forward_critic(self, features: Tensor) -> Tensor:
        return features


class _Encoder(nn.Module):
    """Encoder of flat features as blocks, and as embeddings of satellites (B, S, H) and jobs (B, K, H)."""

    def __init__(self, shapes: dict[str, tuple[int, ...]], width: int) -> None:
        super().__init__()
        self._shapes = shapes  # in the order in which stable-baselines3 concatenates them
        self.fleet = nn.Linear(shapes["fleet"][0], width)
        self.satellite = nn.Linear(shapes["satellites"][1], width)
        self.job = nn.Linear(shapes["jobs"][1], width)
        self.second = nn.ModuleList([nn.Linear(width, width), nn.Linear(width, width)])

    def blocks(self, features: Tensor) -> Blocks:
        parts = torch.split(features, [int(np.prod(shape)) for shape in self._shapes.values()], 1)
        named = {name: part.reshape(-1, *self._shapes[name]) for name, part in zip(self._shapes, parts, strict=True)}
        return Blocks(named["satellites"], named["jobs"], named["jobs_present"], named["fleet"])

    def forward(self, blocks: Blocks) -> tuple[Tensor, Tensor]:
        fleet = self.fleet(blocks.fleet)[:, None]
        satellites = self.second[0](torch.tanh(self.satellite(blocks.satellites) + fleet))
        jobs = self.second[1](torch.tanh(self.job(blocks.jobs) + fleet))
        return torch.tanh(satellites), torch.tanh(jobs)


class _ChoiceScorer(nn.Module):
    """Actor: logits of all choices, (B, K (S + 1) + S L)."""

    def __init__(self, shapes: dict[str, tuple[int, ...]], levels: int, width: int) -> None:
        super().__init__()
        self.encoder = _Encoder(shapes, width)
        self.pair = nn.Linear(width, width, bias=False)
        self.wait = nn.Linear(width, 1)
        self.level = nn.Linear(width, levels)

    def initialise_to_zero_action(self) -> None:
        """Make the choices of the zero action the most probable ones, from which learning begins."""
        for module in (self.pair, self.wait, self.level):
            for parameter in module.parameters():
                nn.init.zeros_(parameter)

    def forward(self, features: Tensor) -> Tensor:
        blocks = self.encoder.blocks(features)
        satellites, jobs = self.encoder(blocks)
        pairs = self.pair(jobs) @ satellites.transpose(1, 2) + FREE_LOGIT * blocks.satellites[:, None, :, FREE_FEATURE]
        choices = torch.cat([pairs, self.wait(jobs) + WAIT_LOGIT], 2)
        level_offset = torch.zeros_like(levels := self.level(satellites))
        level_offset[..., 0] = FIRST_LEVEL_LOGIT
        return torch.cat([choices.flatten(1), (levels + level_offset).flatten(1)], 1)


class _Critic(nn.Module):
    """Critic: value of an observation, (B, 1), from the mean embeddings of satellites and of waiting jobs."""

    def __init__(self, shapes: dict[str, tuple[int, ...]], width: int) -> None:
        super().__init__()
        self.encoder = _Encoder(shapes, width)
        self.pooled = nn.Linear(2 * width, width)
        self.value = nn.Linear(width, 1)

    def forward(self, features: Tensor) -> Tensor:
        blocks = self.encoder.blocks(features)
        satellites, jobs = self.encoder(blocks)
        waiting = (jobs * blocks.present[..., None]).sum(1) / blocks.present.sum(1, keepdim=True).clamp(min=1.0)
        value: Tensor = self.value(torch.tanh(self.pooled(torch.cat([satellites.mean(1), waiting], 1))))
        return value
