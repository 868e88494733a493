"""Shadow factors of Basilisk's eclipse module past a spherical Earth: basilisk_shadow.csv beside this file.

Needs the package bsk. Run it in a virtual environment of its own: python tests/validation/reference/basilisk_shadow.py
"""

from importlib.metadata import version
from pathlib import Path

import numpy as np
from Basilisk.architecture import messaging
from Basilisk.simulation import eclipse
from Basilisk.utilities import SimulationBaseClass, macros

RADIUS_M, AU_M = 6378136.6, 149597870700.0  # Basilisk's Earth
CASES = [  # altitude [km], angle of the Sun above the orbit plane [deg], distance of the Sun [au]
    (400, 0.0, 0.9833),
    (550, 40.0, 1.0),
    (650, 65.1, 1.0167),  # grazing
    (1400, -54.9, 1.0),  # grazing
    (2000, 20.0, 0.99),
]


def factors(positions, sun):
    """Return the shadow factor at each of the positions (n, 3) [m] with the Sun at (3,) [m]."""
    simulation = SimulationBaseClass.SimBaseClass()
    process = simulation.CreateNewProcess("process")
    process.addTask(simulation.CreateNewTask("task", macros.sec2nano(1.0)))
    module = eclipse.Eclipse()
    bodies = {"earth": (0.0, 0.0, 0.0), "sun": tuple(sun)}
    messages = []
    for name, place in bodies.items():
        payload = messaging.SpicePlanetStateMsgPayload()
        payload.PositionVector, payload.PlanetName = place, name
        messages.append(messaging.SpicePlanetStateMsg().write(payload))
    module.addPlanetToModel(messages[0])
    module.sunInMsg.subscribeTo(messages[1])
    for place in positions:
        payload = messaging.SCStatesMsgPayload()
        payload.r_BN_N = tuple(place)
        messages.append(messaging.SCStatesMsg().write(payload))
        module.addSpacecraftToModel(messages[-1])
    simulation.AddModelToTask("task", module)
    simulation.InitializeSimulation()
    simulation.TotalSim.SingleStepProcesses()
    return [message.read().shadowFactor for message in module.eclipseOutMsgs]


def crossing(altitude_km, beta_deg, distance_au):
    """Return positions over half a turn around orbit midnight, and the Sun."""
    beta, angle = np.radians(beta_deg), np.linspace(0, np.pi, 4001)
    x, y = np.cos(angle + np.pi / 2), np.sin(angle + np.pi / 2)  # the Sun is over x but for beta
    place = (RADIUS_M + 1000 * altitude_km) * np.stack([x, y, np.zeros_like(x)], axis=1)
    return place, distance_au * AU_M * np.array([np.cos(beta), 0.0, np.sin(beta)])


if __name__ == "__main__":
    rows = []
    for case in CASES:
        place, sun = crossing(*case)
        light = np.array(factors(place, sun))
        edge = np.flatnonzero((light > 0) & (light < 1))
        near = np.unique(np.clip(np.concatenate([edge, edge - 3, edge + 3]), 0, len(light) - 1))
        chosen = near[:: max(1, len(near) // 40)]
        rows += [(*np.round(place[k], 2), *np.round(sun, 0), round(float(light[k]), 6)) for k in chosen]
        print(case, len(edge), light.min())
    head = f"# made with Basilisk {version('bsk')} by basilisk_shadow.py\n"
    head += f"# inputs: (altitude km, beta deg, distance au) of {CASES}\n"
    text = "".join(",".join(map(str, row)) + "\n" for row in rows)
    Path(__file__).with_suffix(".csv").write_text(f"{head}x_m,y_m,z_m,sun_x_m,sun_y_m,sun_z_m,light\n{text}")
