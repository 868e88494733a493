"""Planning: branches of an episode whose futures are sampled or true, and searches that use them.

    from odc_gym.optimisation.planning.branches import Branches
    branches = Branches(view, rules, futures=4)  # rules make schedulers from a view
    returns = branches.returns(horizon=24)  # (rules, B, futures); the episode of the view has not moved

A sampled future keeps what a scheduler may know: the past, the light, and the script of the scenario. Work that arrives,
demand, faults and the true work of unfinished jobs come from other episodes.
"""
