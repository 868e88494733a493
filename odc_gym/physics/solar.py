"""Solar arrays: electrical output and temperature."""

from odc_gym.compilation.decorators import inline
from odc_gym.physics.mathematics import decay_of

LEAST_K = 3.0


@inline
def array_power_w(sunlit_frac: float, irradiance_frac: float, array_peak_w: float) -> float:
    """Return the electrical output of a tracking array [W].

    Args:
        sunlit_frac: visible fraction of the Sun's disc, mean over the step.
        irradiance_frac: flux on the array over 1361 W/m2: distance to the Sun and cosine of the pointing error.
        array_peak_w: output at 1361 W/m2, operating temperature and present age [W].

    Source: Wertz et al., Space Mission Engineering (2011), section 21.2: power = flux x area x efficiency x cos x
    degradation.
    """
    return sunlit_frac * irradiance_frac * array_peak_w


@inline
def array_step(temperature_k: float, fixed: float, slope: float, radiation: float, step_per_capacity: float) -> float:
    """Return the temperature of an array after a step [K], by the exponential Euler method of Rosenbrock type.

    The equation is C dT/dt = fixed - slope T - radiation T^4; the linear part of the step is exact.

    Args:
        temperature_k: temperature at the start [K].
        fixed: heat less electricity, extrapolated linearly from the quoted temperature to 0 K [W/m2].
        slope: change of the electrical output with temperature [W/(m2 K)].
        radiation: emissivity of both faces x Stefan-Boltzmann constant [W/(m2 K4)].
        step_per_capacity: step over areal heat capacity [m2 K/W].

    Source: Hochbruck and Ostermann, Acta Numerica 19 (2010), section 2.4.
    """
    cubed = radiation * temperature_k * temperature_k * temperature_k
    decay = max(step_per_capacity * (4.0 * cubed + slope), 0.0)
    change = step_per_capacity * (fixed - (slope + cubed) * temperature_k) * mean_decay(decay)
    return max(temperature_k + change, LEAST_K)


@inline
def mean_decay(x: float) -> float:
    """Return the mean of e^-t over t from 0 to x: (1 - e^-x) / x.

    Small x use the series; the relative error is below 5e-6.
    """
    if x < 0.01:
        return 1.0 - x * (0.5 - x * (1.0 / 6.0))
    return (1.0 - decay_of(x)) / x
