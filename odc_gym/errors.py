"""The errors that users see: one line that names the field, the value and what is allowed."""


class OdcGymError(ValueError):
    """Bad input, told in one line. The command line prints it without a traceback and exits with code 2."""


class ArgumentError(OdcGymError):
    """An argument of a function or an environment that is not allowed."""


class ScenarioError(OdcGymError):
    """A scenario, or an override of one, that cannot be flown."""


class OrbitError(OdcGymError):
    """An orbit description (Walker pattern, TLE, epoch) that cannot be propagated."""


class TraceError(OdcGymError):
    """A trace that cannot be replayed: names the file, and of a malformed row the line and the column."""


class ActionError(OdcGymError):
    """An action of the wrong shape, or with values that are not finite numbers."""


class RunError(OdcGymError):
    """A training run's folder or configuration that cannot be used."""


class SchedulerError(OdcGymError):
    """An unknown scheduler, or one that does not fit the environment."""
