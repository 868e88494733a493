"""Tables that are computed before an episode: everything that the agent cannot change."""
