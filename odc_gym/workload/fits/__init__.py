"""Generators fitted to traces: statistics of a trace, fits of arrivals and sizes to them, and both side by side."""
