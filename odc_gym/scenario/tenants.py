"""Tenants, who own the jobs: their shares and weights, and the tiers that they pay for."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from odc_gym.scenario.base import Model, Positive

TIERS = ("spot", "standard", "guaranteed")
"""Tiers from the cheapest to the most expensive."""


class Tenant(Model):
    """Owner of arriving jobs, with a share of the fleet that it is entitled to."""

    share: Positive = Field(default=1.0, description="share of the jobs of every class, relative to other tenants")
    weight: Positive = Field(default=1.0, description="entitled share of the fleet, relative to other tenants")
    tier: Literal["spot", "standard", "guaranteed"] = Field(
        default="standard", description="tier that its jobs pay for"
    )


class Tiers(Model):
    """Price of each tier: the value of its work over that of its class."""

    spot: Positive = Field(default=0.4, description="price of tier spot, which guaranteed jobs may displace")
    standard: Positive = Field(default=1.0, description="price of tier standard")
    guaranteed: Positive = Field(
        default=1.5, description="price of tier guaranteed, which is never refused and displaces spot jobs"
    )
