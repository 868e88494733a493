"""Text rendering of the fleet: one line per satellite, then one line per class of queued work."""

from __future__ import annotations

from odc_gym.rendering.snapshot import Snapshot

BAR_WIDTH = 10
"""Characters of a charge bar."""


def text_of(snapshot: Snapshot) -> str:
    """Return one environment as text: time, satellites and queue."""
    seen, names = snapshot.observation, snapshot.class_names
    lines = [
        f"{snapshot.scenario}  episode {snapshot.episode}  {snapshot.now:%Y-%m-%d %H:%M} UTC  +{snapshot.elapsed}  "
        f"score {snapshot.score:.2f}",
        f"{'sat':>3} {'light':<7} {'charge':<{BAR_WIDTH + 6}} {'junction':>8} {'clock':>6} {'power':>7}  "
        + " ".join(f"{name:>11}" for name in names)
        + "  free",
    ]
    for s, state in enumerate(snapshot.states):
        charge = float(seen["charge_frac"][s])
        bar = ("#" * round(BAR_WIDTH * charge)).ljust(BAR_WIDTH, ".")
        running = " ".join(f"{int(seen['running'][c, s]):>11}" for c in range(len(names)))
        lines.append(
            f"{s:>3} {state:<7} {bar} {charge:>4.0%}  {seen['junction_k'][s] - 273.15:>6.1f} C "
            f"{seen['clock_granted'][s]:>6.2f} "
            f"{seen['power_w'][s] / 1000:>5.2f} kW  {running} {int(seen['free'][s]):>5}"
        )
    for c, name in enumerate(names):
        lines.append(
            f"{name}: {seen['waiting_work_s'][c] / 3600:.1f} accelerator-h wait, "
            f"oldest {seen['oldest_wait_s'][c] / 3600:.1f} h, "
            f"served {seen['served_frac'][c]:.0%}"
        )
    return "\n".join(lines) + "\n"
