"""Errors that users see: one line that names the field, the value and what is allowed."""


class OdcGymError(ValueError):
    """Bad input, explained in one line. The command line prints it without a traceback and exits with code 2."""


class ArgumentError(OdcGymError):
    """An argument of a function or an environment that is not allowed."""


class ScenarioError(OdcGymError):
    """Scenario, or an override of one, that cannot be simulated."""


class OrbitError(OdcGymError):
    """Orbit description (Walker pattern, TLE, epoch) that cannot be propagated."""


class TraceError(OdcGymError):
    """Trace that cannot be replayed.

    The message names the file; for a malformed row it also names the line and the column.
    """


class ActionError(OdcGymError):
    """Action of the wrong shape, or with values that are not finite numbers."""


class RunError(OdcGymError):
    """Folder or configuration of a training run that cannot be used."""


class SchedulerError(OdcGymError):
    """Unknown scheduler, or one that does not fit the environment."""
