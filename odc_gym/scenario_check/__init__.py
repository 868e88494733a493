"""Checks of a scenario that `odc-gym scenario check` prints: closed forms, network and faults."""
