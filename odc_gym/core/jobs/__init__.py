"""Queue, placement, progress and accounts of jobs, between physics steps."""
