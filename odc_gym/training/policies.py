"""Policies with correlated exploration noise, and a policy with the same weights for every satellite."""

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
    """MlpPolicy of stable-baselines3 with a given initial action and correlated exploration noise.

    The initial mean action is `start`, by default the zero action, which runs at sustainable clocks. The noise of
    successive decisions is correlated (first-order autoregressive, coefficient `noise_correlation`, variance 1).
    Batteries and jobs integrate over hours, so independent noise every five minutes would average out before it has an
    effect (Hollenstein et al. 2024, Colored Noise in PPO). Log probabilities are those of each decision by itself.
    """

    noise: Tensor  # of the last decision, in standard deviations, (B, A)

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        log_std: Sequence[float],
        noise_correlation: float = 0.0,
        start: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Build the networks.

        Args:
            observation_space: flat, (N,).
            action_space: flat, (A,).
            lr_schedule: learning rate as a function of the remaining share of training.
            log_std: logarithm of the initial standard deviation of the noise for each action component, (A,).
            noise_correlation: correlation of the noise of successive decisions, 0 to below 1.
            start: initial mean action, (A,); the zero action if None.
            **kwargs: as in stable-baselines3.
        """
        self.initial_log_std, self.noise_correlation = tuple(log_std), noise_correlation
        self.start = None if start is None else tuple(start)
        super().__init__(observation_space, action_space, lr_schedule, **kwargs)
        self.noise = torch.zeros(0, *action_space.shape or ())

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        for parameter in self.action_net.parameters():
            nn.init.zeros_(parameter)
        with torch.no_grad():
            self.log_std.copy_(torch.tensor(self.initial_log_std))
            if self.start is not None:
                self.action_net.bias.copy_(torch.tensor(self.start))  # type: ignore[operator, union-attr]

    def forward(self, obs: Tensor, deterministic: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """Return actions (B, A) with noise, values (B, 1) and log probabilities (B,) for a rollout."""
        latent_pi, latent_vf = self.mlp_extractor(self.extract_features(obs))
        normal = self._get_action_dist_from_latent(latent_pi)
        assert isinstance(normal, DiagGaussianDistribution)
        actions = normal.mode()
        if not deterministic:
            actions = actions + normal.distribution.stddev * self._next_noise(actions)
        return actions, self.value_net(latent_vf), normal.log_prob(actions)

    def _predict(self, observation: Tensor | dict[str, Tensor], deterministic: bool = False) -> Tensor:
        """Return actions (B, A) outside of rollouts; without noise they are the mean, which needs no distribution."""
        if not deterministic:
            return super()._predict(observation, deterministic)
        features = self.extract_features(observation)
        assert isinstance(features, Tensor)  # actor and critic share the extractor, as in `forward`
        return self.action_net(self.mlp_extractor.forward_actor(features))  # type: ignore[no-any-return]

    def set_training_mode(self, mode: bool) -> None:
        """Set the mode of all layers; every rollout step and every prediction asks for the mode that is set already."""
        if mode != self.training:
            super().set_training_mode(mode)

    def _next_noise(self, actions: Tensor) -> Tensor:
        independent = torch.randn_like(actions)
        if len(self.noise) != len(actions):  # the first decision of a batch
            self.noise = independent
        else:
            correlation = self.noise_correlation
            self.noise = correlation * self.noise + (1 - correlation**2) ** 0.5 * independent
        return self.noise

    def _get_constructor_parameters(self) -> dict[str, Any]:
        own = {"log_std": self.initial_log_std, "noise_correlation": self.noise_correlation, "start": self.start}
        return super()._get_constructor_parameters() | own


class SetPolicy(HeldNoisePolicy):
    """Policy of networks for sets, whose components of the action share entries of `log_std`."""

    _log_std_index: Tensor  # entry of `log_std` for each component of the action, (A,)

    def _assemble(
        self, embeddings: nn.Module, heads: nn.Module, width: int, log_std_index: Sequence[int], lr_schedule: Schedule
    ) -> None:
        """Set the networks, with orthogonal initial weights; the caller then sets the initial mean action.

        Args:
            embeddings: from features to the embeddings of the actor and of the critic.
            heads: from the embeddings of the actor to the mean action.
            width: width of the critic's embedding.
            log_std_index: entry of `log_std` for each component of the action, (A,).
            lr_schedule: learning rate as a function of the remaining share of training.
        """
        self.mlp_extractor = embeddings  # type: ignore[assignment]
        self.action_net = heads
        self.value_net = nn.Linear(width, 1)
        self.log_std = nn.Parameter(torch.tensor(self.initial_log_std))
        self.register_buffer("_log_std_index", torch.tensor(log_std_index), persistent=False)
        for module, gain in ((self.mlp_extractor, np.sqrt(2)), (self.action_net, np.sqrt(2)), (self.value_net, 1.0)):
            module.apply(partial(self.init_weights, gain=gain))
        self.optimizer = self.optimizer_class(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)  # type: ignore[call-arg]

    def _get_action_dist_from_latent(self, latent_pi: Tensor) -> Distribution:
        assert isinstance(self.action_dist, DiagGaussianDistribution)
        return self.action_dist.proba_distribution(self.action_net(latent_pi), self.log_std[self._log_std_index])


class FleetPolicy(SetPolicy):
    """Actor and critic with the same weights for each satellite, for the flat observation and action of `bids`.

    The features of a satellite and of the fleet become an embedding. The mean of the embeddings carries the information
    about the other satellites (Zaheer et al. 2017, Deep Sets). Permuting the satellites permutes bids and clocks.
    S satellites, C classes, F and G features of a satellite and of the fleet, H width.
    """

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
            lr_schedule: learning rate as a function of the remaining share of training.
            satellites: number of satellites S.
            classes: number of classes C.
            width: width H of the layers.
            **kwargs: as in `HeldNoisePolicy`, except `log_std`: it has one entry for each of the C bids, the clock, the
                C urgencies and the C offsets. Satellites share the entries, so the weights fit a fleet of any size.
                It always begins with the zero action. Layer widths and orthogonal initialisation are fixed.
        """
        self.satellites, self.classes, self.width = satellites, classes, width
        super().__init__(observation_space, action_space, lr_schedule, **kwargs)

    def _build(self, lr_schedule: Schedule) -> None:
        per_satellite = self.classes + 1
        index = [*list(range(per_satellite)) * self.satellites, *range(per_satellite, per_satellite + 2 * self.classes)]
        embeddings = _Embeddings(self.satellites, self.classes, self.width)
        heads = _Heads(self.satellites, self.classes, self.width)
        self._assemble(embeddings, heads, self.width, index, lr_schedule)
        heads.initialise_to_zero_action()

    def _get_constructor_parameters(self) -> dict[str, Any]:
        own = {"satellites": self.satellites, "classes": self.classes, "width": self.width}
        return super()._get_constructor_parameters() | own


class _Encoder(nn.Module):
    """Encoder of features (B, S F + G) as one embedding a satellite (B, S, H)."""

    def __init__(self, satellites: int, classes: int, width: int) -> None:
        super().__init__()
        self.satellites = satellites
        self.features = len(SATELLITE) + classes * len(SATELLITE_CLASS)
        fleet = len(FLEET) + classes * len(FLEET_CLASS)
        # one layer over both inputs, split so that the part of the fleet is computed once, not for each satellite
        self.own = nn.Linear(self.features, width)
        self.shared = nn.Linear(fleet, width)
        self.second = nn.Linear(width, width)

    def forward(self, observation: Tensor) -> Tensor:
        own, shared = observation.tensor_split([self.satellites * self.features], 1)
        first = self.own(own.reshape(-1, self.satellites, self.features)) + self.shared(shared)[:, None]
        return torch.tanh(self.second(torch.tanh(first)))


class _Embeddings(nn.Module):
    """Encoders of the actor, with flat embeddings (B, S H), and of the critic, with a pooled embedding (B, H)."""

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
    """Layers from embeddings (B, S H) to the mean action (B, A)."""

    def __init__(self, satellites: int, classes: int, width: int) -> None:
        super().__init__()
        self.satellites, self.width = satellites, width
        self.own, self.others = nn.Linear(width, width), nn.Linear(width, width)
        self.satellite = nn.Linear(width, classes + 1)
        self.fleet = nn.Linear(width, 2 * classes)

    def initialise_to_zero_action(self) -> None:
        """Make the mean action zero, from which learning begins."""
        for parameter in (*self.satellite.parameters(), *self.fleet.parameters()):
            nn.init.zeros_(parameter)

    def forward(self, latent: Tensor) -> Tensor:
        embeddings = latent.reshape(-1, self.satellites, self.width)
        mean = self.others(embeddings.mean(1))
        own = torch.tanh(self.own(embeddings) + mean[:, None])
        return torch.cat([self.satellite(own).flatten(1), self.fleet(torch.tanh(mean))], 1)
