"""Files of trained policies: the tensors of an actor as `.npz` without pickle, and where they come from."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from odc_gym.dial_files import NAMES, scales_key
from odc_gym.errors import SchedulerError, did_you_mean_file
from odc_gym.interface.observations import FLEET, FLEET_CLASS, SATELLITE, SATELLITE_CLASS
from odc_gym.policies.actor import shapes
from odc_gym.scenario.base import Model
from odc_gym.scenario.files import nearest_base
from odc_gym.scenario.messages import explain

FOLDER = Path(__file__).parents[1] / "configs" / "policies"
LARGEST = 16 * 2**20  # bytes of a file's content; an actor of width 64 has 0.1 MB
_ABOUT = "about"


class PolicyScores(Model):
    """Mean scores on the validation episodes of the training run."""

    episodes: str = Field(description="first and last episode")
    start: float = Field(description="score of the policy before its first update")
    score: float = Field(description="score of the policy")


class About(Model):
    """Origin of a policy, and what it fits."""

    command: str = Field(description="command that trained it")
    scenario: str = Field(description="scenario of its training")
    seed: int = Field(description="seed of its training")
    decisions: int = Field(description="decisions of its training before it was saved")
    config: dict[str, Any] = Field(description="configuration of its training")
    versions: dict[str, str | None] = Field(description="versions of the packages that trained it")
    validation: PolicyScores = Field(description="scores on validation episodes")
    width: int = Field(ge=1, le=1024, description="width of the layers")
    base: tuple[float, ...] = Field(description="role vector of the dials to whose actions it adds its own, or empty")
    scales: str = Field(description="hash of the dials and their scales")
    features: str = Field(description="hash of the observation's features")


@dataclass(frozen=True, eq=False)
class PolicyFile:
    """Trained policy: its origin, and the tensors of its actor by name, float32."""

    about: About
    tensors: Mapping[str, NDArray[np.float32]]


def features_key() -> str:
    """Return a hash of the features of the observation: a policy reads them as they were when it was trained."""
    text = repr([feature[:-1] for block in (SATELLITE, SATELLITE_CLASS, FLEET, FLEET_CLASS) for feature in block])
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def policy_bytes(file: PolicyFile) -> bytes:
    """Return the content of a file."""
    content = io.BytesIO()
    about = np.frombuffer(file.about.model_dump_json().encode(), np.uint8)
    np.savez_compressed(content, allow_pickle=False, **{_ABOUT: about}, **file.tensors)
    return content.getvalue()


def read_policy(path: str | Path) -> PolicyFile:
    """Read a file; nothing in it is executed.

    Raises:
        SchedulerError: there is no such file, it is malformed, or it is of another version of observation or dials.
    """
    path = Path(path)
    if not path.is_file():
        raise SchedulerError(f"policy = {path}: no such file{did_you_mean_file(path)}")
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > LARGEST:
            raise ValueError(f"holds {size} bytes, at most {LARGEST} are allowed")
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        about = About.model_validate_json(arrays.pop(_ABOUT).astype(np.uint8).tobytes())
        _check(about, arrays)
    except ValidationError as error:
        raise SchedulerError(f"{path}: {explain(error, About)}") from None
    except KeyError:
        raise SchedulerError(f"{path}: no policy of this package; it lacks the entry {_ABOUT!r}") from None
    except (OSError, zipfile.BadZipFile, ValueError, EOFError, NotImplementedError) as error:
        raise SchedulerError(f"{path}: no policy of this package: {' '.join(str(error).split())[:200]}") from None
    return PolicyFile(about, arrays)


def family(scenario: str) -> str | None:
    """Return the name of the file for a scenario: its own, else that of its nearest base with one; None without any."""
    return nearest_base(scenario, names())


def names() -> list[str]:
    """Return the names of the files of the package."""
    return sorted(path.stem for path in FOLDER.glob("*.npz"))


def _check(about: About, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Refuse tensors and origins that do not fit.

    Raises:
        ValueError: they do not.
    """
    for name, mine in (("scales", scales_key()), ("features", features_key())):
        if getattr(about, name) != mine:
            raise ValueError(f"{name} = {getattr(about, name)}: this version has {mine}; train the policy again")
    if len(about.base) not in (0, len(NAMES)) or not np.isfinite(about.base).all():
        raise ValueError(f"base: must be {len(NAMES)} finite numbers, or none")
    wanted = shapes(about.width)
    for name in sorted(wanted.keys() ^ arrays.keys()):
        raise ValueError(f"{name}: {'missing' if name in wanted else 'unknown'} tensor")
    for name, shape in wanted.items():
        array = arrays[name]
        if array.dtype != np.float32 or array.shape != shape or not np.isfinite(array).all():
            raise ValueError(f"{name}: must be finite float32 of shape {shape}, is {array.dtype} of {array.shape}")


def summary(file: PolicyFile) -> dict[str, str]:
    """Return what is known of a policy, as text by name."""
    about, found = file.about, file.about.validation
    return {
        "scenario": about.scenario,
        "command": about.command,
        "decisions": f"{about.decisions}",
        "validation": f"{found.score:.2f} on episodes {found.episodes}, {found.start:.2f} at its start",
    }
