"""Simulator of a batch of episodes, the view that schedulers read, and the KPIs of an episode.

`simulator` plays the episodes; `allocation` and `episode_start` prepare its arrays. `observation_buffers` holds the
observations of a batch, and `view` gives them names. `metrics` and `job_metrics` compute the KPIs of an episode. The
example plays two episodes under the zero action; the first call compiles the simulator, which takes a few minutes:

    from odc_gym.scenario import Scenario
    from odc_gym.simulator.metrics import episode_metrics
    from odc_gym.simulator.simulator import Simulator

    simulator = Simulator(Scenario.load("starter12"), num_envs=2)
    simulator.reset(seeds=[0, 1])
    while not simulator.truncated.all():
        simulator.step(simulator.view.layout.zeros(num_envs=2))
    print(episode_metrics(simulator, row=0)["work_accelerator_h"])
"""
