"""Counts of rows that the tests of trace readers share."""


def rejected_rows(trace):
    return sum(rejection.rows for rejection in trace.rejected.values())
