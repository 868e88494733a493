"""Training of schedulers with stable-baselines3, and trained policies as schedulers.

`run.train` trains a policy and writes the folder of a training run; `policy_scheduler` makes a scheduler of the folder:

    from odc_gym.training.run import train
    folder = train("ppo", n_timesteps=6144, overrides={"eval.episodes": 2}, output="runs/first")

The folder continues with `train(resume=folder)`. The package needs the extra `rl`.
"""
