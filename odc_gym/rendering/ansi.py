"""Text rendering of the fleet: one line per satellite, then one line per class of queued work."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from odc_gym.simulator.simulator import Simulator

BAR_WIDTH = 10
"""Characters of a charge bar."""


def render(simulator: Simulator, row: int = 0, score: float = 0.0) -> str:
    """Render one environment as text: time, satellites and queue.

    Args:
        simulator: simulator whose episodes have begun.
        row: index of the environment.
        score: score to print in the heading.
    """
    view, fleet = simulator.view, simulator.fleet
    features = {name: values[row] for name, values in view.observation.items()}
    clock = fleet.clock
    elapsed = timedelta(seconds=float((simulator.scalars["tick"][row] - clock.warm_up) * clock.dt_s))
    now = fleet.start_of(int(simulator.seeds[row])) + elapsed
    lines = [
        f"{fleet.scenario.name}  episode {simulator.seeds[row]}  {now:%Y-%m-%d %H:%M} UTC  +{elapsed}  "
        f"score {score:.2f}",
        f"{'sat':>3} {'light':<7} {'charge':<{BAR_WIDTH + 6}} {'junction':>8} {'clock':>6} {'power':>7}  "
        + " ".join(f"{name:>11}" for name in view.class_names)
        + "  free",
    ]
    for s in range(view.satellites):
        state = _state(features, s)
        charge = float(features["charge_frac"][s])
        bar = ("#" * round(BAR_WIDTH * charge)).ljust(BAR_WIDTH, ".")
        running = " ".join(f"{int(features['running'][c, s]):>11}" for c in range(len(view.class_names)))
        lines.append(
            f"{s:>3} {state:<7} {bar} {charge:>4.0%}  {features['junction_k'][s] - 273.15:>6.1f} C "
            f"{features['clock_granted'][s]:>6.2f} "
            f"{features['power_w'][s] / 1000:>5.2f} kW  {running} {int(features['free'][s]):>5}"
        )
    for c, name in enumerate(view.class_names):
        lines.append(
            f"{name}: {features['waiting_work_s'][c] / 3600:.1f} accelerator-h wait, "
            f"oldest {features['oldest_wait_s'][c] / 3600:.1f} h, "
            f"served {features['served_frac'][c]:.0%}"
        )
    return "\n".join(lines) + "\n"


def _state(features: Mapping[str, Any], s: int) -> str:
    """Return the state of satellite `s`: protection first, then light."""
    if features["shed"][s]:
        return "SHED"
    if features["tripped"][s]:
        return "TRIP"
    return "sun" if features["sunlit_frac"][s] >= 0.5 else "eclipse"
