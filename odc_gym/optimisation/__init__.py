"""Optimisation: planners that search for actions, and bounds on what any scheduler can reach.

`planning` holds what the schedulers `lookahead`, `mpc` and `clairvoyant` are made of, and `bound` the certified bound:

    from odc_gym.optimisation.bound import bound_of
    from odc_gym.scenario import Scenario

    print(bound_of(Scenario.load("threebody12", {"episode.hours": 1}), seed=20_000).points)
"""
