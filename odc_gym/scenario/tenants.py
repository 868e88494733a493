"""Whose jobs they are: tenants, their shares and weights, and the tiers that they pay for."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from odc_gym.scenario.base import Model, Positive

TIERS = ("spot", "standard", "guaranteed")
"""Tiers from the cheapest to the dearest."""


class Tenant(Model):
    """Somebody whose jobs arrive, and what the fleet owes them."""

    share: Positive = Field(default=1.0, description="of the jobs of every class, relative to those of other tenants")
    weight: Positive = Field(default=1.0, description="of the fleet by right, relative to those of other tenants")
    tier: Literal["spot", "standard", "guaranteed"] = "standard"


class Tiers(Model):
    """Price of a tier: the value of its work over that of its class."""

    spot: Positive = 0.4
    standard: Positive = 1.0
    guaranteed: Positive = 1.5
