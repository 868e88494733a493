"""The run-time core: state, tables, one step, dispatch, and the simulator that owns them all."""
