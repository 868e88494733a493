"""The fleet as text: one line a satellite, one line a class of the queue."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from odc_gym.simulator.simulator import Simulator

BAR = 10


def render(simulator: Simulator, row: int = 0, score: float = 0.0) -> str:
    """A page of text for one environment: time, satellites, queue."""
    view, fleet = simulator.view, simulator.fleet
    seen = {name: values[row] for name, values in view.observation.items()}
    clock = fleet.clock
    elapsed = timedelta(seconds=float((simulator.head["tick"][row] - clock.warm_up) * clock.dt_s))
    now = fleet.start_of(int(simulator.seeds[row])) + elapsed
    lines = [
        f"{fleet.scenario.name}  episode {simulator.seeds[row]}  {now:%Y-%m-%d %H:%M} UTC  +{elapsed}  "
        f"score {score:.2f}",
        f"{'sat':>3} {'light':<7} {'charge':<{BAR + 6}} {'junction':>8} {'clock':>6} {'power':>7}  "
        + " ".join(f"{name:>11}" for name in view.class_names)
        + "  free",
    ]
    for s in range(view.satellites):
        state = (
            "SHED"
            if seen["shed"][s]
            else "TRIP"
            if seen["tripped"][s]
            else "sun"
            if seen["sunlit_frac"][s] >= 0.5
            else "eclipse"
        )
        charge = float(seen["charge_frac"][s])
        bar = ("#" * round(BAR * charge)).ljust(BAR, ".")
        running = " ".join(f"{int(seen['running'][c, s]):>11}" for c in range(len(view.class_names)))
        lines.append(
            f"{s:>3} {state:<7} {bar} {charge:>4.0%}  {seen['junction_k'][s] - 273.15:>6.1f} C "
            f"{seen['clock_granted'][s]:>6.2f} "
            f"{seen['power_w'][s] / 1000:>5.2f} kW  {running} {int(seen['free'][s]):>5}"
        )
    for c, name in enumerate(view.class_names):
        lines.append(
            f"{name}: {seen['waiting_work_s'][c] / 3600:.1f} accelerator-h wait, "
            f"oldest {seen['oldest_wait_s'][c] / 3600:.1f} h, "
            f"served {seen['served_frac'][c]:.0%}"
        )
    return "\n".join(lines) + "\n"
