"""Detail of a replay page: what it leaves out so that large fleets and long episodes stay small."""

from __future__ import annotations

from typing import NamedTuple

MOST_BINS = 24  # decisions in a bin, at most


class Detail(NamedTuple):
    """Detail of a page."""

    stride: int  # decisions from one sample to the next
    fine: bool  # quantities of satellites have 16 bits instead of 8
    jobs: bool  # the page has jobs: who holds which accelerators, and the events of jobs
    actions: bool  # the page has the actions of the agents


def levels(decisions: int) -> list[Detail]:
    """Return the levels of detail that a page may have, best first.

    Args:
        decisions: decisions of the recording; bins divide it evenly.
    """
    strides = [stride for stride in range(1, MOST_BINS + 1) if decisions % stride == 0] or [1]
    rich = [Detail(strides[0], True, True, True)]
    rich += [Detail(stride, False, True, True) for stride in strides if stride <= 3]
    rich += [Detail(stride, False, True, True) for stride in strides if 3 < stride <= 6 and decisions > 1_000]
    plain = [Detail(stride, False, False, True) for stride in strides if 3 <= stride <= 6]
    return rich + plain + [Detail(stride, False, False, False) for stride in strides if stride >= 3]
