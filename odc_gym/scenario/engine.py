"""How a replica of a service works: the two phases of a request, the batch that it decodes, and sizes of requests."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from odc_gym.scenario.base import Efficiency, Fraction, Model, NonNegative, Positive


class Engine(Model):
    """An engine that decodes a batch of requests together, and prefills the prompt of another between two steps.

    What is not given of a phase is that of the class.
    """

    batch: Annotated[int, Field(ge=1, le=4096)] = Field(
        default=32, description="requests that a replica decodes at once, where memory allows"
    )
    decode_base_frac: Fraction = Field(
        default=0.37, description="share of a full batch's decode step that does not depend on the batch"
    )
    prefill_sensitivity: Fraction | None = Field(default=None, description="clock sensitivity of prefill")
    decode_sensitivity: Fraction | None = Field(default=None, description="clock sensitivity of decoding")
    prefill_utilisation: Efficiency | None = Field(default=None, description="dynamic power of prefill over peak")
    decode_utilisation: Efficiency | None = Field(default=None, description="dynamic power of decoding over peak")
    output_tokens: Positive = Field(default=211.0, description="mean answer of a request, where it has no `sizes`")
    output_sigma: NonNegative = Field(default=0.95, description="of its logarithm")
    input_sigma: NonNegative = Field(default=0.7, description="of the logarithm of prompts")
    kv_mb_per_token: NonNegative = Field(default=0.33, description="memory of a token of a live request")
    token_target_s: Positive = Field(default=0.2, description="time per token up to which a token is paid in full")
    movable: bool = Field(default=False, description="replicas move with the keys and values of their live requests")
    late_value: Fraction = Field(
        default=1.0, description="share of its value that a token of a request is paid which just misses a target"
    )
