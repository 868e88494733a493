"""Policies with correlated exploration noise, which begin at a given action."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.distributions import DiagGaussianDistribution
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.type_aliases import Schedule
from torch import Tensor, nn


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
                self.action_net.bias.copy_(torch.tensor(self.start))  # type: ignore[operator]

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
