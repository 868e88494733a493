"""Defaults of the environment: scenario and action mode of `gym.make("odc_gym:ODCSat-v0")`."""

DEFAULT_SCENARIO = "peak12"
DEFAULT_ACTION_MODE = "dials"
