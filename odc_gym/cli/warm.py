"""Command `odc-gym warm`, which compiles the simulation core unless that is done."""

from __future__ import annotations

import typer


def warm() -> None:
    """Compile the simulation core for this computer, unless that is done. A wheel contains it compiled."""
    from odc_gym.compilation.libraries import warm as warmed
    from odc_gym.compilation.modes import JIT_MODE, PYTHON_MODE

    if JIT_MODE or PYTHON_MODE:
        variable = "ODC_GYM_JIT" if JIT_MODE else "NUMBA_DISABLE_JIT"
        typer.echo(f"nothing to do: with {variable}, kernels come from no library")
        return
    result = warmed()
    some = 0 < len(result.built) < len(result.kernels)
    kernels = ", ".join(result.built) if some else f"{len(result.kernels)} kernels"
    state = "built" if result.built else "ready"
    typer.echo(f"{state}: {kernels} for {result.processor}, in {result.folder}, {result.elapsed_s:.1f} s")
