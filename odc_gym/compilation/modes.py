"""Modes of the compiled core, chosen by environment variables when the package is imported.

- Library, the default: kernels are shared libraries, and Numba is not imported.
- JIT, `ODC_GYM_JIT=1`: Numba compiles the kernels in this process.
- Python, `NUMBA_DISABLE_JIT=1`: the kernels run as plain Python, for a debugger.

All three give the same bits.
"""

import os

PYTHON_MODE = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")
JIT_MODE = os.environ.get("ODC_GYM_JIT", "0") not in ("", "0") and not PYTHON_MODE
