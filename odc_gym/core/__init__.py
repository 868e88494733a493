"""Compiled core: advances every environment of a batch by one decision, from tables and actions to the next state.

Start with `decision.decide`, which calls the other folders in the order of a physics step. `layout` names all arrays,
`spacecraft` holds the physics step, `network` routes and transfer rates, `jobs` the dispatcher, and `serving` the
inference services. The core knows no scenarios: it reads and writes NumPy arrays only. Python calls its entry points,
and Numba compiles the other functions into them:

    >>> from odc_gym.core.decision import decide
    >>> decide.__name__
    'decide'
"""
