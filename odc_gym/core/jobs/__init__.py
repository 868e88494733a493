"""Jobs between physics steps: admission, queue, placement, progress and accounts.

`core.decision` calls the routines of this folder in each physics step of one environment. They read and write its
bundle, `core.layout.environment.Environment`. A reader starts with `dispatch.place_waiting_jobs`, which places the
queue, and with `progress.advance_jobs`, which executes and pays work. `waiting` decides which satellites can take a
job, and `reservation`, `preemption` and `gangs` add the rules beyond one job and one satellite. `transfers` moves data,
and `upsets` applies failures. Functions of plain numbers also run alone. The example computes the work between two
checkpoints that take 60 s each, for an unforeseen stop every 28 h on average:

    >>> from odc_gym.core.jobs.checkpoints import interval_work
    >>> round(interval_work(7200.0, 1.0, 60.0, 1e-5, 1.0))
    3464
"""
