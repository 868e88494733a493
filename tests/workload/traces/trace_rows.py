"""Numbers of rows for the tests of trace readers."""


def rejected_rows(trace):
    return sum(rejection.rows for rejection in trace.rejected.values())
