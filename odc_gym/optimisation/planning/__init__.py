"""Planning: branches of an episode whose futures are sampled or true, and searches that use them.

    import numpy as np

    from odc_gym.envs.vector import build_simulator
    from odc_gym.optimisation.planning.branches import Branches

    simulator = build_simulator(1, episode_hours=6)
    simulator.reset([20_000])
    view, dials = simulator.view, np.zeros((2, simulator.dials.size))  # (N, D) of N candidates
    branches = Branches(view, sizes=[len(dials)], futures=4)
    branches.begin(np.arange(view.num_envs))
    branches.fork(np.arange(view.num_envs))
    each = np.repeat(dials, view.num_envs * 4, 0)
    returns = branches.returns(0, lambda ahead: ahead.actions_of_dials(each), horizon=36)  # (N, B, 4)

The episodes of the view do not move. A sampled future keeps what a scheduler may know: the past, the light, and the
script of the scenario. Work that arrives, demand, faults and the true work of unfinished jobs come from training
episodes. `clairvoyant_search` alone plays the true future.
"""
