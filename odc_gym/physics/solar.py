"""Solar array output."""

from odc_gym._jit import effect


@effect
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
