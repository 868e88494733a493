"""Scenarios of the package: regimes, whose names state their load or limit, and fleets, which are all others."""

from odc_gym.scenario.files import names

REGIMES = {
    "easy": (0.80, "energy"),
    "overload": (1.50, "energy"),
    "eclipse-season": (1.16, "energy"),
    "dawn-dusk": (1.10, "heat"),
    "solar-rich": (1.08, "heat"),
    "storm": (1.07, "energy"),
    "week": (1.07, "energy"),
    "pretraining-cluster": (1.04, "heat"),
    "own-links": (1.07, "energy"),
    "serving": (1.08, "energy"),
    "edge-earth": (1.06, "energy"),
    "peak12": (1.10, "energy"),
}
"""Load of each regime over what the fleet can sustain, and its tightest limit, as in `docs/scenarios.md`."""
FLEETS = [name for name in names(large=False) if name not in REGIMES]
