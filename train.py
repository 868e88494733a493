"""Train a scheduler: `python train.py --config configs/train/ppo.yaml` is `odc-gym train` from a checkout."""

import sys

from odc_gym.cli import main

# guarded, because worker processes import the main module again
if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
