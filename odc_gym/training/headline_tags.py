"""TensorBoard tags of a run: a dozen headline tags in three groups, and all others under `kpi/`."""

from __future__ import annotations

from typing import Any

from stable_baselines3.common.logger import TensorBoardOutputFormat

HEADLINE_TAGS = {
    "validation/mean": "score/validation",
    "validation/worst": "score/validation_worst_episode",
    "rollout/ep_rew_mean": "score/training",
    "validation/work_of_sustainable": "fleet/work_of_sustainable",
    "validation/deadline_miss_frac": "fleet/deadline_miss_frac",
    "validation/charge_least_frac": "fleet/charge_least_frac",
    "validation/years_to_80_percent": "fleet/years_to_80_percent",
    "validation/degree_h": "fleet/degree_h",
    "train/explained_variance": "train/explained_variance",
    "train/approx_kl": "train/approx_kl",
    "train/clip_fraction": "train/clip_fraction",
    "train/std": "train/std",
}
"""Name of a recorded value to its headline tag; the fleet's values are those of the validation episodes."""
OTHERS = "kpi/"


def tag(name: str) -> str:
    """Return the TensorBoard tag of a recorded value."""
    return HEADLINE_TAGS.get(name, OTHERS + name)


class HeadlineTags(TensorBoardOutputFormat):
    """Writer of TensorBoard events that renames values by `tag`."""

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        """Write the values of a step."""
        excluded = {tag(name): formats for name, formats in key_excluded.items()}
        super().write({tag(name): value for name, value in key_values.items()}, excluded, step)
