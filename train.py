"""Program that trains a scheduler from a checkout: `python train.py --config configs/train/ppo.yaml`.

It takes the arguments of `odc-gym train`.
"""

import sys

from odc_gym.cli import main

# guarded because worker processes import the main module again
if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
