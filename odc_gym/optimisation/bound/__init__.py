"""Upper bound of the score of an episode: a linear programme that relaxes the simulator, and its certificate.

No scheduler scores more in the episode than the bound, whatever it knows of the future:

    >>> from odc_gym.optimisation.bound import bound_of
    >>> from odc_gym.scenario import Scenario
    >>> bound = bound_of(Scenario.load("starter12"), seed=20_000)  # doctest: +SKIP
    >>> bound.points  # doctest: +SKIP

`effects` lists every effect of the simulator with the direction in which the programme relaxes it. `episode` reads the
facts of an episode, and `jobs`, `services`, `accelerators` and `energy` write the blocks of the programme.
`certificate` turns multipliers into the bound.
"""

from odc_gym.optimisation.bound.bound import Bound as Bound
from odc_gym.optimisation.bound.bound import bound_of as bound_of
from odc_gym.optimisation.bound.bound import bound_of_episode as bound_of_episode
