"""Optimisation over whole episodes: upper bounds of scores, by linear programmes with certificates."""
