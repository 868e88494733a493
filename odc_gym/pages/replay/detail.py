"""Detail of a replay page: what it leaves out so that large fleets and long episodes stay small."""

from __future__ import annotations

from typing import NamedTuple

MOST_BINS = 24  # decisions in a bin, at most
RICH_BINS = 6  # decisions in a bin of a page with jobs or actions, at most


class Detail(NamedTuple):
    """Detail of a page."""

    stride: int  # decisions from one sample to the next
    fine: bool  # quantities of satellites have 16 bits instead of 8
    jobs: bool  # the page has jobs: who holds which accelerators, and the events of jobs
    actions: bool  # the page has the actions of the agents

    @property
    def least_characters(self) -> float:
        """Characters for each satellite, decision and run that a page of this detail needs at least.

        Pages of fleets of 12 to 1 000 satellites need 1.3 to 2 times as many.
        """
        return (7.0 if self.fine else 3.5) / self.stride + (2.5 if self.jobs else 0.0)


def levels(decisions: int, values: int, most_bytes: int) -> list[Detail]:
    """Return the levels of detail that may fit, best first; the last one is always there.

    Args:
        decisions: decisions of the recording; bins divide it evenly.
        values: satellites x decisions x runs.
        most_bytes: size of the page.
    """
    strides = [stride for stride in range(1, MOST_BINS + 1) if decisions % stride == 0] or [1]
    some = [stride for stride in strides if stride <= RICH_BINS]
    ladder = [
        Detail(strides[0], True, True, True),
        *(Detail(stride, False, True, True) for stride in some),
        *(Detail(stride, False, False, True) for stride in some),
        *(Detail(stride, False, False, False) for stride in strides if stride >= some[-1]),
    ]
    return [detail for detail in ladder[:-1] if detail.least_characters * values <= most_bytes] + ladder[-1:]
