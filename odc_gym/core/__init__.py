"""Compiled core: advances every environment of a batch by one decision, from tables and actions to the next state.

Start with `decision.decide`, which calls the other folders in the order of a physics step. `layout` names all arrays,
`spacecraft` holds the physics step, `network` routes and transfer rates, `jobs` the dispatcher, and `serving` the
inference services. The core knows no scenarios: it reads and writes NumPy arrays only. Python calls its entry points,
and Numba compiles the other functions into them. A `Simulator` owns the arrays and calls `decide`; its first call
compiles the core of a checkout, which takes about a minute. The example advances one environment by one decision:

    import numpy as np
    from odc_gym.scenario import Scenario
    from odc_gym.simulator.simulator import Simulator

    simulator = Simulator(Scenario.load("starter12"), num_envs=1)
    simulator.reset([20_000])
    simulator.step(np.zeros((1, simulator.action_size)))
    print(simulator.sat.charge_frac[0, :12])
"""
