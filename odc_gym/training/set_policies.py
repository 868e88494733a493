"""Policies whose weights fit every fleet: they are the same for each satellite and for each class."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.distributions import DiagGaussianDistribution, Distribution
from stable_baselines3.common.type_aliases import Schedule
from torch import Tensor, nn

from odc_gym.interface.observations import size
from odc_gym.policies.natures import ClassNature, natures_of
from odc_gym.scenario import Scenario
from odc_gym.training.policies import HeldNoisePolicy


class SetPolicy(HeldNoisePolicy):
    """Actor and critic of networks for sets of satellites and classes (Zaheer et al. 2017, Deep Sets).

    Permuting the satellites permutes what concerns single satellites, and permuting the classes what concerns single
    classes. Components of the action of one kind share an entry of `log_std`.
    """

    _log_std_index: Tensor  # entry of `log_std` for each component of the action, (A,)

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        satellites: int,
        natures: Sequence[ClassNature],
        width: int = 64,
        **kwargs: Any,
    ) -> None:
        """Build the networks.

        Args:
            observation_space: flat, (N,).
            action_space: flat, (A,).
            lr_schedule: learning rate as a function of the remaining share of training.
            satellites: number of satellites S.
            natures: nature of each of the C classes.
            width: width H of the layers.
            **kwargs: as in `HeldNoisePolicy`, except `log_std`, which has one entry for each kind of component, and
                `start`, as the subclass defines it. Layer widths and orthogonal initialisation are fixed.
        """
        self.satellites, self.natures, self.width = satellites, tuple(ClassNature(*each) for each in natures), width
        super().__init__(observation_space, action_space, lr_schedule, **kwargs)

    @staticmethod
    def action_box(satellites: int, classes: int) -> spaces.Box:
        """Return the action space for a fleet."""
        raise NotImplementedError

    def fitted(self, satellites: int, scenario: Scenario) -> Self:
        """Return a policy of the same weights for a fleet of another size, or for other classes.

        Args:
            satellites: number of satellites of the fleet.
            scenario: scenario of the fleet.
        """
        natures = natures_of(scenario)
        own = self._get_constructor_parameters() | {
            "observation_space": spaces.Box(-1.0, 1.0, (size(satellites, len(natures)),)),
            "action_space": self.action_box(satellites, len(natures)),
            "satellites": satellites,
            "natures": natures,
        }
        with torch.random.fork_rng(devices=[]):  # a policy draws its initial weights
            made = type(self)(**own)
        made.load_state_dict(self.state_dict())
        return made

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

    def _get_constructor_parameters(self) -> dict[str, Any]:
        own = {"satellites": self.satellites, "natures": self.natures, "width": self.width}
        return super()._get_constructor_parameters() | own
