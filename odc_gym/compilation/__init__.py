"""Compilation of the core: decorators of its functions, kernels behind a C interface, and the libraries that hold them.

`decorators`, `reference` and `kernel` are for the code of the core. `libraries` finds the library of a kernel or has it
built. Only `emission`, `pipelines` and `numba_reference` import Numba: a library that is there needs none of them.

    >>> from odc_gym.compilation.keys import package_kernels
    >>> "decide" in [kernel.function for kernel in package_kernels()]
    True
"""
