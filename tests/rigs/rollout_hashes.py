"""Hashes of short rollouts: they compare the modes of the compiled core, each of which needs a process of its own.

    python tests/rigs/rollout_hashes.py DECISIONS SCENARIO:ACTION_MODE:OBSERVATION_MODE ...

prints a mapping from each rollout to a hash of all that it observed, earned and changed.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]


def hashes(decisions, rollouts):
    """Hash the rollouts in this process."""
    return {rollout: hash_of(*rollout.split(":"), decisions) for rollout in rollouts}


def hash_of(scenario, action_mode, observation_mode, decisions):
    """Hash the rollout of random actions in one environment."""
    from odc_gym.envs.env import ODCSatEnv

    digest = hashlib.blake2b(digest_size=8)

    def take(value):
        if isinstance(value, dict | tuple):
            for part in value.values() if isinstance(value, dict) else value:
                take(part)
        elif isinstance(value, np.ndarray) and value.dtype.names:  # bytes between the fields mean nothing
            for name in value.dtype.names:
                take(value[name])
        else:
            digest.update(np.ascontiguousarray(value).tobytes())

    with ODCSatEnv(scenario, action_mode=action_mode, observation_mode=observation_mode) as env:
        env.action_space.seed(1)
        take(env.reset(seed=20_000)[0])
        for _ in range(decisions):
            observation, reward, *_ = env.step(env.action_space.sample())
            take(observation)
            take(reward)
        take(tuple(env.unwrapped.simulator.mutable))
    return digest.hexdigest()


def hashes_elsewhere(decisions, rollouts, **environment):
    """Hash the rollouts in a new process with these environment variables."""
    command = [sys.executable, "-W", "ignore", __file__, str(decisions), *rollouts]
    paths = {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}
    done = subprocess.run(command, env=os.environ | paths | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


if __name__ == "__main__":
    print(json.dumps(hashes(int(sys.argv[1]), sys.argv[2:])))
