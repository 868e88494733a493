"""Environments for Gymnasium and stable-baselines3, thin adapters over one simulator."""
