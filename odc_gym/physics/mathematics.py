"""Elementary functions from + - * / and square root: they vectorise, and give the same bits on every machine."""

from odc_gym.compilation.decorators import inline

LN_2 = 0.6931471805599453


@inline
def clip(x: float, low: float, high: float) -> float:
    """Limit `x` to the range from `low` to `high`."""
    return min(max(x, low), high)


@inline
def blend(flag: float, a: float, b: float) -> float:
    """Return `a` where the flag is 1, and `b` where it is 0, exactly.

    A conditional on two rows would compile to slow gathers.
    """
    return flag * a + (1.0 - flag) * b


@inline
def bounded_exp(x: float) -> float:
    """Return the exponential with its argument limited to [-4, 4]; the relative error is below 2e-9.

    The method is a Taylor polynomial of degree 8 on x/16, then four squarings.
    """
    y = clip(x, -4.0, 4.0) * 0.0625
    z = y * y
    p = (1.0 + y) + z * (
        (1.0 / 2.0 + y * (1.0 / 6.0))
        + z * ((1.0 / 24.0 + y * (1.0 / 120.0)) + z * ((1.0 / 720.0 + y * (1.0 / 5040.0)) + z * (1.0 / 40320.0)))
    )
    p *= p
    p *= p
    p *= p
    return p * p


@inline
def decay_of(x: float) -> float:
    """Return the exponential of -x, with x limited to [0, 64]; the relative error is below 4e-8."""
    y = bounded_exp(-0.0625 * max(x, 0.0))
    y *= y
    y *= y
    y *= y
    return y * y
