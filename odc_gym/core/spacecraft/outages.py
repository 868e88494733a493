"""Outages of satellites, and safe mode after repeated sheds.

An outage stops compute before anything else happens in its first step. Bus, heaters and battery work as in safe mode.
This is scalar code that runs before and after a physics step.
"""

from __future__ import annotations

from odc_gym.compilation.decorators import routine
from odc_gym.core.layout.state import LOST, Row, State
from odc_gym.core.layout.work import Policy


@routine
def apply_outages(sat: State, out: Row, dt_s: float, n: int) -> None:
    """Switch off compute on satellites that are out of service or in safe mode.

    Satellites that are lost for good also lose their accelerators.

    Args:
        sat: state.
        out: condition of each satellite in this step, (P,): 0: in service, 1: out of service, 2: lost for good.
        dt_s: physics step [s].
        n: satellites.
    """
    for s in range(n):
        sat.out[s] = out[s]
        sat.halted[s] = 1.0 if out[s] > 0.0 or sat.safe_mode_left_s[s] > 0.0 else 0.0
        if sat.halted[s] == 0.0:
            continue
        sat.off[s] = 1.0
        if out[s] > 0.0:
            sat.out_s[s] += dt_s
        if sat.safe_mode_left_s[s] > 0.0:
            sat.safe_mode_s[s] += dt_s
        if out[s] >= LOST:
            sat.free[s] -= sat.living[s]  # negative until the jobs that hold accelerators are evicted
            sat.living[s] = 0.0
            sat.awake[s] = 0.0


@routine
def enter_safe_mode(sat: State, policy: Policy, dt_s: float, n: int) -> None:
    """Start safe mode on satellites that shed too often, and count down running safe modes.

    Safe mode starts with the n-th shed within a period, and ends by itself. The state stores how long each of the last
    sheds still counts. The function runs after the physics step.

    Args:
        sat: state.
        policy: number of sheds that lead to safe mode, their period, and the length of safe mode.
        dt_s: physics step [s].
        n: satellites.
    """
    if policy.safe_sheds == 0:
        return
    for s in range(n):
        sat.safe_mode_left_s[s] = max(sat.safe_mode_left_s[s] - dt_s, 0.0)
        sat.recent_1_s[s] = max(sat.recent_1_s[s] - dt_s, 0.0)
        sat.recent_2_s[s] = max(sat.recent_2_s[s] - dt_s, 0.0)
        sat.recent_3_s[s] = max(sat.recent_3_s[s] - dt_s, 0.0)
        begins = sat.shed[s] > sat.shed_known[s]
        sat.shed_known[s] = sat.shed[s]
        if not begins:
            continue
        if policy.safe_sheds == 1 or earlier_shed_s(sat, policy.safe_sheds - 1, s) > 0.0:
            sat.safe_mode_left_s[s] = policy.safe_s
            sat.recent_1_s[s] = sat.recent_2_s[s] = sat.recent_3_s[s] = 0.0
            continue
        sat.recent_3_s[s] = sat.recent_2_s[s]
        sat.recent_2_s[s] = sat.recent_1_s[s]
        sat.recent_1_s[s] = policy.safe_within_s


@routine
def earlier_shed_s(sat: State, count: int, s: int) -> float:
    """Return how long an earlier shed still counts towards safe mode [s]; `count` 1 is the last one, up to 3."""
    if count == 1:
        return sat.recent_1_s[s]
    return sat.recent_2_s[s] if count == 2 else sat.recent_3_s[s]
