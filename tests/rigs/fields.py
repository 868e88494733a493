"""Row numbers of blocks by name, for tests that index the blocks of a snapshot, or blocks that they build.

Of a simulator, `sim.sat.free[b, s]` reads the same entries by name.
"""

from odc_gym.core.layout.state import Design, Sensors, State
from odc_gym.core.layout.work import Classes, Ledger, Rules, Services, Tenants


def numbered(record):
    return record(*range(len(record._fields)))


SAT, DESIGN, CLASSES, LEDGER = numbered(State), numbered(Design), numbered(Classes), numbered(Ledger)
SERVICES, RULES, TENANTS, SENSORS = numbered(Services), numbered(Rules), numbered(Tenants), numbered(Sensors)


def replace_arrays(sim, **arrays):
    """Replace arrays of a simulator by their names in `core.layout.batch`."""
    for name, array in arrays.items():
        group = next(g for g in ("mutable", "tables", "parameters") if name in getattr(sim, g)._fields)
        setattr(sim, group, getattr(sim, group)._replace(**{name: array}))


def episode_inputs(sim):
    """What a simulator holds of its episodes and cannot change, by name, first axis B."""
    tables = ("skies", "forecasts", "days", "demand", "jobs", "events")
    parameters = ("design", "rules", "model_gb", "policy", "sensors")
    found = {name: getattr(sim.tables, name) for name in tables} | {"ratings": sim.ratings}
    return found | {name: getattr(sim.parameters, name) for name in parameters}
