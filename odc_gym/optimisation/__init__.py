"""Optimisation: planners that search for actions, and bounds on what any scheduler can reach."""
