"""Command `odc-gym policy`, which writes the policy of a training run to a small file that needs no PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from odc_gym.cli.common import Force
from odc_gym.errors import OdcGymError


def policy(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a training run.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="File to write; its name ends with .npz.")
    ] = Path("policy.npz"),
    force: Force = False,
) -> None:
    """Write the best policy of a training run to a file: its tensors and their origin, without pickle.

    The file is a scheduler, also where PyTorch is not installed: `odc-gym compare --agents zero,policy.npz`. It fits
    every scenario. The scheduler `learned` plays such files of the package.
    """
    from odc_gym.evaluation.files import require_free, write_bytes
    from odc_gym.policies.files import policy_bytes, summary

    if output.suffix != ".npz":
        raise OdcGymError(f"--output {output}: must end with .npz")
    require_free(output, force)
    try:
        from odc_gym.training.export import policy_of_run
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("odc_gym"):
            raise
        raise OdcGymError(f"reading a training run needs {error.name}: pip install 'odc-gym[rl]'") from None
    file = policy_of_run(run)
    write_bytes(output, policy_bytes(file))
    typer.echo(f"Policy: {output}; play it with `odc-gym compare --agents zero,{output}`.")
    for name, text in summary(file).items():
        typer.echo(f"{name:<12}{text}")
