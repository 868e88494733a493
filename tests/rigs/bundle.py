"""Bundle of one environment of a simulator, as the routines of the core receive it, for calls from Python."""

from odc_gym.core.layout.environment import Blocks, environment
from odc_gym.core.layout.state import Design, State
from odc_gym.core.layout.work import Classes, Ledger, Rules, Services, Tenants


def environment_of(sim, b=0):
    """Return the bundle of environment `b`; it shares memory with the simulator."""
    records = (State, Design, Classes, Ledger, Services, Tenants, Rules)
    mutable, parameters = sim.mutable, sim.parameters
    arrays = (
        mutable.state, parameters.design, mutable.classes, mutable.ledger, mutable.services, mutable.tenants,
        parameters.rules,
    )  # fmt: skip
    blocks = Blocks(*(record(*array[b][: len(record._fields)]) for record, array in zip(records, arrays, strict=True)))
    return environment(b, blocks, mutable, sim.tables, parameters, sim.log, sim._workspaces()[0], sim.satellites)
