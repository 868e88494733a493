"""Random work beside statistics of a public trace, and beside integrals that SciPy computes from the definitions."""

from datetime import UTC, datetime

import numpy as np
from comparison import compares
from pydantic import TypeAdapter
from scipy import integrate, linalg, stats

from odc_gym.scenario import Arrivals, Region, Scenario
from odc_gym.scenario.sizes import Law, mean_of
from odc_gym.workload.arrivals import draw_arrivals
from odc_gym.workload.arrivals.mmpp import dispersion
from odc_gym.workload.streams import Period

DAYS = 180
VENUS_PER_H = 28.8
VENUS = {
    "kind": "cox",
    "profile": {"amplitude": 1, "floor": 0.15, "daily": [0.677, 17.0], "half_daily": [0.159, 0.3]},
    "burst": {"hour_variance": 0.70, "ten_minute_variance": 0.80, "ar": 0.65},
}
CODE = {"kind": "mmpp", "rates": [0, 0.03, 1], "switch_per_s": [[0, 0.001, 0.006], [0.001, 0, 0.115], [0.04, 0.18, 0]]}
CODE_PER_S = 2.57
MIXTURE = {"lognormals": [[0.6, 0.3, 0.8], [0.4, 4.0, 1.6]], "cut": 72.0}


def venus_hours():
    """Return arrivals of ten-minute windows in half a year, six times: (6, windows)."""
    workload = Scenario.load("starter12").workload
    workload = workload.model_copy(update={"regions": {"local": Region(utc_offset_h=0, share=1)}})
    arrivals = TypeAdapter(Arrivals).validate_python(VENUS)
    start = datetime(2020, 4, 1, tzinfo=UTC)
    edges = 600.0 * np.arange(144 * DAYS + 1)
    drawn = (draw_arrivals(arrivals, "venus", VENUS_PER_H, Period(workload, k, start, 0, edges[-1])) for k in range(6))
    return np.array([np.histogram(time_s, edges)[0] for time_s in drawn])


@compares(
    "Workload", "Index of dispersion of submissions in 10 min and 1 h, Cox process of 9 numbers", "",
    "Helios Venus, Hu et al., SC'21: GPU jobs of April to September 2020", 0.25, relative=True,
    note="The index is the variance over the mean of counts. The generator's numbers are published for this "
    "trace.",
)  # fmt: skip
def test_dispersion_of_a_gpu_clusters_submissions():
    """Catches factors of the wrong variance, and hours that are averaged into one another."""
    tens = venus_hours()
    hours = tens.reshape(len(tens), -1, 6).sum(2)
    return [np.mean(n.var(1) / n.mean(1)) for n in (tens, hours)], [15.4, 39.3]


@compares(
    "Workload", "Index of dispersion of a Markov-modulated Poisson process in 1 s to 1 h", "",
    "integral of the covariance, SciPy", 1e-6, relative=True, package="scipy",
)  # fmt: skip
def test_dispersion_of_jumping_rates():
    """Catches an error of the closed form by eigenvalues; the oracle integrates matrix exponentials."""
    process = TypeAdapter(Arrivals).validate_python(CODE)
    q = np.array(CODE["switch_per_s"], float)
    q -= np.diag(q.sum(1))
    share = linalg.null_space(q.T)[:, 0]
    share /= share.sum()
    rate = np.array(CODE["rates"]) * CODE_PER_S / (share @ CODE["rates"])

    def excess(t):
        def both(u):
            return (t - u) * ((share * rate) @ linalg.expm(q * u) @ rate - CODE_PER_S**2)

        return 2 * integrate.quad(both, 0, t, limit=200, epsrel=1e-9, points=np.geomspace(t / 500, t / 2, 6))[0]

    windows_s = np.array([1.0, 10.0, 60.0, 3600.0])
    return dispersion(process, CODE_PER_S, windows_s), [1 + excess(t) / (CODE_PER_S * t) for t in windows_s]


@compares(
    "Workload", "Mean and mean square of a mixture of clipped lognormals", "", "integrals over the densities, SciPy",
    1e-7, relative=True, package="scipy",
)  # fmt: skip
def test_moments_of_limited_lognormals():
    """Catches a limit that cuts draws off instead of holding them, and powers of the median that are left out."""
    law = TypeAdapter(Law).validate_python(MIXTURE)
    wanted = []
    for power in (1, 2):
        total = 0.0
        for weight, median, sigma in MIXTURE["lognormals"]:
            part = stats.lognorm(sigma, scale=median)
            inside = integrate.quad(
                lambda y, p=part, n=power: np.exp(n * y) * p.pdf(np.exp(y)) * np.exp(y), -8, np.log(72.0)
            )
            total += weight * (inside[0] + 72.0**power * part.sf(72.0))
        wanted.append(total)
    return [mean_of(law, 1), mean_of(law, 2)], wanted
