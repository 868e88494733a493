"""Compiled core: one decision of every environment of a batch, from tables and actions to the next state."""
