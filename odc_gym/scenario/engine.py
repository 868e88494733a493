"""Inference engine of a service's replicas: the two phases of a request, the decoding batch, and sizes of requests."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from odc_gym.scenario.base import Efficiency, Fraction, Model, NonNegative, Positive


class Engine(Model):
    """Engine that decodes a batch of requests together, and prefills a further prompt between two decode steps.

    A phase without values of its own takes those of the class.
    """

    batch: Annotated[int, Field(ge=1, le=4096)] = Field(
        default=32, description="most requests that a replica decodes at once; memory may limit it further"
    )
    decode_base_frac: Fraction = Field(
        default=0.37, description="share of a full batch's decode step that is independent of the batch size"
    )
    prefill_sensitivity: Fraction | None = Field(default=None, description="clock sensitivity of prefill")
    decode_sensitivity: Fraction | None = Field(default=None, description="clock sensitivity of decoding")
    prefill_utilisation: Efficiency | None = Field(default=None, description="dynamic power of prefill over peak")
    decode_utilisation: Efficiency | None = Field(default=None, description="dynamic power of decoding over peak")
    output_tokens: Positive = Field(default=211.0, description="mean answer of a request, for a class without `sizes`")
    output_sigma: NonNegative = Field(default=0.95, description="standard deviation of the logarithm of answers")
    input_sigma: NonNegative = Field(default=0.7, description="standard deviation of the logarithm of prompts")
    kv_mb_per_token: NonNegative = Field(default=0.33, description="key-value memory of each token of a live request")
    token_target_s: Positive = Field(
        default=0.2, description="time per output token up to which a token is paid in full"
    )
    movable: bool = Field(
        default=False, description="whether replicas migrate together with the key-value caches of their live requests"
    )
    late_value: Fraction = Field(
        default=1.0, description="share of its value that a token earns when its request just misses a target"
    )
