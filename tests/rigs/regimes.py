"""Which scenarios are fleets, and which are regimes with a load and a limit that their names promise."""

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
}
"""Offered load over what the fleet can hold, and what binds most: as `docs/scenarios.md` says."""
FLEETS = [name for name in names() if name not in REGIMES]
