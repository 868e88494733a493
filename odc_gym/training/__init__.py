"""Training of schedulers with stable-baselines3: `run.train`, and `policy_scheduler` to fly what came out."""
