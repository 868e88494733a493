"""Queueing tables in the file of the package are those that the functions compute."""

import numpy as np

from odc_gym.tables.fleet.queueing_tables import idle_table, stored_tables, wait_table


def test_the_stored_tables_are_current():
    """Catches a change of a formula or of a grid that leaves the file as it was."""
    waits, idles = stored_tables()
    np.testing.assert_allclose(waits, wait_table(), atol=2e-9, rtol=0.0)
    np.testing.assert_allclose(idles, idle_table(), atol=2e-9, rtol=0.0)
