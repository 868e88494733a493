"""Solar arrays: output and temperature."""

from odc_gym._jit import inline
from odc_gym.physics.mathematics import decay_of

LEAST_K = 3.0


@inline
def array_power_w(sunlit_frac: float, irradiance_frac: float, array_peak_w: float) -> float:
    """Electrical output of a tracking array [W].

    Args:
        sunlit_frac: lit share of the solar disc, mean over the step.
        irradiance_frac: flux on the array over 1361 W/m2: distance to the Sun and cosine of the pointing error.
        array_peak_w: output at 1361 W/m2, operating temperature and present age [W].

    Source: Wertz et al., Space Mission Engineering (2011), section 21.2: power = flux x area x efficiency x cos x
    degradation.
    """
    return sunlit_frac * irradiance_frac * array_peak_w


@inline
def array_step(kelvin: float, fixed: float, slope: float, radiation: float, pace: float) -> float:
    """Temperature of an array after a step [K], by the exponential Euler method of Rosenbrock type.

    C dT/dt = fixed - slope T - radiation T^4; exact for the linear part of the step.

    Args:
        kelvin: at the start [K].
        fixed: heat less electricity at 0 K, for the line through the quoted temperature [W/m2].
        slope: change of the electrical output by temperature [W/(m2 K)].
        radiation: emissivity of both faces x Stefan-Boltzmann constant [W/(m2 K4)].
        pace: step over areal heat capacity [m2 K/W].

    Source: Hochbruck and Ostermann, Acta Numerica 19 (2010), section 2.4.
    """
    cubed = radiation * kelvin * kelvin * kelvin
    decay = max(pace * (4.0 * cubed + slope), 0.0)
    change = pace * (fixed - (slope + cubed) * kelvin) * mean_decay(decay)
    return max(kelvin + change, LEAST_K)


@inline
def mean_decay(x: float) -> float:
    """Mean of e^-t over t from 0 to x: (1 - e^-x) / x, by its series where x is small; relative error below 5e-6."""
    if x < 0.01:
        return 1.0 - x * (0.5 - x * (1.0 / 6.0))
    return (1.0 - decay_of(x)) / x
