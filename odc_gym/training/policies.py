"""A policy that treats all satellites alike: what it learns on one, it knows for every other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.distributions import DiagGaussianDistribution, Distribution
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.type_aliases import Schedule
from torch import Tensor, nn

from odc_gym.interface.observations import FLEET, FLEET_CLASS, SATELLITE, SATELLITE_CLASS


class HeldNoisePolicy(ActorCriticPolicy):
    """The MlpPolicy of stable-baselines3 with two changes that suit a slow plant with a good operator.

    Its first mean action is zero, the operator at sustainable clocks. While it learns, the noises of successive
    decisions are correlated (first-order autoregressive, coefficient `noise_correlation`, variance 1): batteries and
    jobs integrate over hours, so noise that is drawn afresh every five minutes averages out before its effect shows
    (Hollenstein et al. 2024, Colored Noise in PPO). Probabilities are those of each decision by itself.
    """

    noise: Tensor  # of the last decision, in standard deviations, (B, A)

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        log_std: Sequence[float],
        noise_correlation: float = 0.0,
        **kwargs: Any,
    ) -> None:
        """Build the networks.

        Args:
            observation_space: flat, (N,).
            action_space: flat, (A,).
            lr_schedule: learning rate by the share of training that remains.
            log_std: logarithm of the noise's first standard deviation for each component of the action, (A,).
            noise_correlation: of successive decisions, 0 to below 1.
            **kwargs: as in stable-baselines3.
        """
        self.first_log_std, self.noise_correlation = tuple(log_std), noise_correlation
        super().__init__(observation_space, action_space, lr_schedule, **kwargs)
        self.noise = torch.zeros(0, *action_space.shape or ())

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        for parameter in self.action_net.parameters():
            nn.init.zeros_(parameter)
        with torch.no_grad():
            self.log_std.copy_(torch.tensor(self.first_log_std))

    def forward(self, obs: Tensor, deterministic: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """Actions (B, A) with noise, values (B, 1) and log probabilities (B,), as rollouts need them."""
        latent_pi, latent_vf = self.mlp_extractor(self.extract_features(obs))
        normal = self._get_action_dist_from_latent(latent_pi)
        assert isinstance(normal, DiagGaussianDistribution)
        actions = normal.mode()
        if not deterministic:
            actions = actions + normal.distribution.stddev * self._next_noise(actions)
        return actions, self.value_net(latent_vf), normal.log_prob(actions)

    def _next_noise(self, actions: Tensor) -> Tensor:
        fresh = torch.randn_like(actions)
        if len(self.noise) != len(actions):  # the first decision of a batch
            self.noise = fresh
        else:
            rho = self.noise_correlation
            self.noise = rho * self.noise + (1 - rho**2) ** 0.5 * fresh
        return self.noise

    def _get_constructor_parameters(self) -> dict[str, Any]:
        own = {"log_std": self.first_log_std, "noise_correlation": self.noise_correlation}
        return super()._get_constructor_parameters() | own


class FleetPolicy(HeldNoisePolicy):
    """An actor and a critic with the same weights for each satellite, for the flat observation and action of `bids`.

    Each satellite's features, with those of the fleet, become an embedding; the mean of the embeddings is what
    satellites know of each other (Zaheer et al. 2017, Deep Sets). Renumbering the satellites renumbers bids and clocks.
    S satellites, C classes, F and G features of a satellite and of the fleet, H width.
    """

    _kinds: Tensor  # kind of each component of the action, (A,)

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        satellites: int,
        classes: int,
        width: int = 64,
        **kwargs: Any,
    ) -> None:
        """Build the networks.

        Args:
            observation_space: flat, (S F + G,).
            action_space: flat, (S (C + 1) + 2 C,).
            lr_schedule: learning rate by the share of training that remains.
            satellites: S.
            classes: C.
            width: H.
            **kwargs: as in `HeldNoisePolicy`, but `log_std` has one entry for each of the C bids, the clock, the C
                urgencies and the C offsets, the same for all satellites, so that weights fit a fleet of any size;
                layer widths and orthogonal initialisation are fixed here.
        """
        self.satellites, self.classes, self.width = satellites, classes, width
        super().__init__(observation_space, action_space, lr_schedule, **kwargs)

    def _build(self, lr_schedule: Schedule) -> None:
        per_satellite = self.classes + 1
        self.mlp_extractor = _Embeddings(self.satellites, self.classes, self.width)  # type: ignore[assignment]
        self.action_net = _Heads(self.satellites, self.classes, self.width)
        self.value_net = nn.Linear(self.width, 1)
        self.log_std = nn.Parameter(torch.tensor(self.first_log_std))
        kinds = [*list(range(per_satellite)) * self.satellites, *range(per_satellite, per_satellite + 2 * self.classes)]
        self.register_buffer("_kinds", torch.tensor(kinds), persistent=False)
        for module, gain in ((self.mlp_extractor, np.sqrt(2)), (self.action_net, np.sqrt(2)), (self.value_net, 1.0)):
            module.apply(partial(self.init_weights, gain=gain))
        self.action_net.start_at_zero()
        self.optimizer = self.optimizer_class(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)  # type: ignore[call-arg]

    def _get_action_dist_from_latent(self, latent_pi: Tensor) -> Distribution:
        assert isinstance(self.action_dist, DiagGaussianDistribution)
        return self.action_dist.proba_distribution(self.action_net(latent_pi), self.log_std[self._kinds])

    def _get_constructor_parameters(self) -> dict[str, Any]:
        own = {"satellites": self.satellites, "classes": self.classes, "width": self.width}
        return super()._get_constructor_parameters() | own


class _Encoder(nn.Module):
    """Features (B, S F + G) to one embedding a satellite (B, S, H)."""

    def __init__(self, satellites: int, classes: int, width: int) -> None:
        super().__init__()
        self.satellites = satellites
        self.features = len(SATELLITE) + classes * len(SATELLITE_CLASS)
        fleet = len(FLEET) + classes * len(FLEET_CLASS)
        # one layer of both inputs, split so that the fleet's part is done once and not for each satellite
        self.own = nn.Linear(self.features, width)
        self.shared = nn.Linear(fleet, width)
        self.second = nn.Linear(width, width)

    def forward(self, observation: Tensor) -> Tensor:
        own, shared = observation.tensor_split([self.satellites * self.features], 1)
        first = self.own(own.reshape(-1, self.satellites, self.features)) + self.shared(shared)[:, None]
        return torch.tanh(self.second(torch.tanh(first)))


class _Embeddings(nn.Module):
    """Two encoders: the actor's embeddings, flat (B, S H), and the critic's mean, (B, H)."""

    def __init__(self, satellites: int, classes: int, width: int) -> None:
        super().__init__()
        self.actor = _Encoder(satellites, classes, width)
        self.critic = _Encoder(satellites, classes, width)
        self.pooled = nn.Linear(width, width)
        self.latent_dim_pi, self.latent_dim_vf = satellites * width, width

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        return self.forward_actor(features), self.forward_critic(features)

    def forward_actor(self, features: Tensor) -> Tensor:
        return self.actor(features).flatten(1)  # type: ignore[no-any-return]

    def forward_critic(self, features: Tensor) -> Tensor:
        return torch.tanh(self.pooled(self.critic(features).mean(1)))


class _Heads(nn.Module):
    """Embeddings (B, S H) to the mean action (B, A)."""

    def __init__(self, satellites: int, classes: int, width: int) -> None:
        super().__init__()
        self.satellites, self.width = satellites, width
        self.own, self.others = nn.Linear(width, width), nn.Linear(width, width)
        self.satellite = nn.Linear(width, classes + 1)
        self.fleet = nn.Linear(width, 2 * classes)

    def start_at_zero(self) -> None:
        """Make the mean action zero, the operator at sustainable clocks, from which learning begins."""
        for parameter in (*self.satellite.parameters(), *self.fleet.parameters()):
            nn.init.zeros_(parameter)

    def forward(self, latent: Tensor) -> Tensor:
        embeddings = latent.reshape(-1, self.satellites, self.width)
        mean = self.others(embeddings.mean(1))
        own = torch.tanh(self.own(embeddings) + mean[:, None])
        return torch.cat([self.satellite(own).flatten(1), self.fleet(torch.tanh(mean))], 1)
