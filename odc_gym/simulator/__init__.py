"""Simulator of a batch of episodes, the view that schedulers read, and the metrics of an episode."""
