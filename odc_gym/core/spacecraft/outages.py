"""Satellites that are out of service, and safe mode after repeated sheds. Scalar code around a physics step.

An outage halts compute before anything else happens in its first step; bus, heaters and battery go on as in safe mode.
"""

from odc_gym._jit import routine
from odc_gym.core.layout.state import LOST, X


@routine
def halt(x, out, dt_s, n):
    """Satellites that are out in this step, or in safe mode, have no compute; those that are lost keep nothing.

    Args:
        x: state block.
        out: condition of each satellite in this step: 0 in service, 1 out, 2 lost for good.
        dt_s: physics step [s].
        n: satellites.
    """
    for s in range(n):
        x[X.out, s] = out[s]
        x[X.halted, s] = 1.0 if out[s] > 0.0 or x[X.safe_s, s] > 0.0 else 0.0
        if x[X.halted, s] == 0.0:
            continue
        x[X.off, s] = 1.0
        if out[s] > 0.0:
            x[X.out_s, s] += dt_s
        if x[X.safe_s, s] > 0.0:
            x[X.safe_mode_s, s] += dt_s
        if out[s] >= LOST:
            x[X.free, s] -= x[X.living, s]  # what jobs hold comes back when they are evicted
            x[X.living, s] = 0.0
            x[X.awake, s] = 0.0


@routine
def repeated_sheds(x, policy, dt_s, n):
    """After a physics step: safe mode begins with the shed that is the n-th within a time, and runs out by itself.

    The state remembers for each of the last sheds how long it still counts.
    """
    if policy.safe_sheds == 0.0:
        return
    older = int(policy.safe_sheds) - 1
    for s in range(n):
        x[X.safe_s, s] = max(x[X.safe_s, s] - dt_s, 0.0)
        for k in range(X.recent_1_s, X.recent_3_s + 1):
            x[k, s] = max(x[k, s] - dt_s, 0.0)
        begins = x[X.shed, s] > x[X.shed_known, s]
        x[X.shed_known, s] = x[X.shed, s]
        if not begins:
            continue
        if older == 0 or x[X.recent_1_s + older - 1, s] > 0.0:
            x[X.safe_s, s] = policy.safe_s
            for k in range(X.recent_1_s, X.recent_3_s + 1):
                x[k, s] = 0.0
            continue
        x[X.recent_3_s, s] = x[X.recent_2_s, s]
        x[X.recent_2_s, s] = x[X.recent_1_s, s]
        x[X.recent_1_s, s] = policy.safe_within_s
