"""Step of ODCSat-v0 beside a step of BSK-RL, a Gymnasium environment on the simulator Basilisk.

Both advance their satellites by five minutes. BSK-RL flies one satellite with its default models, ODCSat-v0 twelve, so
the ratio is for each satellite and minute. BSK-RL is no dependency; the comparison needs an installation of it.
"""

from __future__ import annotations

import time
from importlib.util import find_spec
from statistics import median
from typing import Any

from turns import Turn, single_turn, zero_actions

SATELLITES, PERIOD_S = 12, 300.0
DECISIONS = 20


def bsk_turn() -> Turn:
    """Make turns of decisions of one charging satellite of BSK-RL."""
    from bsk_rl import SatelliteTasking, act, data, obs, sats, scene
    from bsk_rl.sim import dyn, fsw

    class Satellite(sats.Satellite):
        dyn_type, fsw_type = dyn.BasicDynamicsModel, fsw.BasicFSWModel
        observation_spec = [obs.SatProperties({"prop": "battery_charge_fraction"})]  # noqa: RUF012
        action_spec = [act.Charge(duration=PERIOD_S)]  # noqa: RUF012

    env = SatelliteTasking(
        satellite=Satellite("satellite"), scenario=scene.UniformNadirScanning(), rewarder=data.NoReward(),
        time_limit=1e9, log_level="ERROR",
    )  # fmt: skip
    env.reset(seed=0)

    def turn(i: int) -> tuple[float, int]:
        started = time.process_time()
        for _ in range(DECISIONS):
            env.step(0)
        return time.process_time() - started, DECISIONS

    return turn


def measure(turns: int) -> dict[str, Any]:
    """Measure the CPU time of BSK-RL over ours, for each satellite; only a reason if it does not run here."""
    if find_spec("bsk_rl") is None:
        return {"reason": "bsk_rl is not installed"}
    try:
        ours, theirs = single_turn(zero_actions), bsk_turn()
    except (ImportError, OSError) as error:  # Basilisk downloads its data when it first runs
        return {"reason": f"bsk_rl does not run here: {' '.join(str(error).split())}"}
    ratios = []
    for i in range(turns + 1):
        (our_s, our_steps), (their_s, their_steps) = ours(i), theirs(i)
        if i > 0:
            ratios.append((their_s / their_steps) / (our_s / our_steps / SATELLITES))
    return {"ratio": median(ratios), "least": min(ratios), "most": max(ratios)}


def line(result: dict[str, Any]) -> str:
    """Return the result as one line."""
    if "reason" in result:
        return f"beside BSK-RL: not measured, {result['reason']}"
    return (
        f"CPU time of BSK-RL over ODCSat-v0, for a satellite and five minutes: {result['ratio']:.0f} "
        f"({result['least']:.0f} to {result['most']:.0f})"
    )
