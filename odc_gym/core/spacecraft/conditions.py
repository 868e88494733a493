"""Conditions of satellites for event logs: sheds, trips, outages, losses and safe mode, as they begin and end."""

from __future__ import annotations

from odc_gym.compilation.decorators import routine
from odc_gym.core.layout.event_log import CONDITIONS, Log, log_event
from odc_gym.core.layout.state import LOST, State

NUM_CONDITIONS = 5
LAST = NUM_CONDITIONS - 1  # loss, which does not end


@routine
def condition_bits(sat: State, s: int) -> int:
    """Return the conditions of a satellite as bits: shed, tripped, out of service, safe mode, lost for good."""
    bits = 0
    if sat.shed[s] > 0.0:
        bits += 1
    if sat.tripped[s] > 0.0:
        bits += 2
    if sat.out[s] > 0.0:
        bits += 4
    if sat.safe_mode_left_s[s] > 0.0:
        bits += 8
    if sat.out[s] >= LOST:
        bits += 16
    return bits


@routine
def log_conditions(log: Log, sat: State, now_s: float, n: int) -> None:
    """Log the conditions that have begun or ended since the last call.

    Args:
        log: event log; without room, nothing is done.
        sat: state.
        now_s: time since the start of the episode [s].
        n: satellites.
    """
    if log.entries.shape[0] == 0:
        return
    for s in range(n):
        before, bits = log.conditions[s], condition_bits(sat, s)
        if bits == before:
            continue
        log.conditions[s] = bits
        for k in range(NUM_CONDITIONS):
            was, now = before >> k & 1, bits >> k & 1
            if now > was or (now < was and k < LAST):
                log_event(log, CONDITIONS + 2 * k + was, s, -1, 0.0, now_s)
