"""The quantile of a mixture as a formula, for families whose mixtures have one.

Those are the normal and the log-normal distribution: the root that
:mod:`graphfit.kernels.mixture` looks for is one function of machine code.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import special

from graphfit.compiler.distribution_formulas import positive
from graphfit.compiler.operations import Apply
from graphfit.compiler.tracer import Untraceable
from graphfit.priors.density import GAUSSIAN, LOG_GAUSSIAN
from graphfit.priors.mixture import Parts, split_arguments

root = Apply("normal_mixture_root")


def mixture_quantile(parts: Parts, u: Any, arguments: Sequence[Any]) -> Any:
    """Return the value of a mixture with the probability u below it.

    Parameters
    ----------
    parts : tuple of (Density, int)
        The components.
    u : stand-in for a number
        In [0, 1].
    arguments : sequence
        The weights, then mean and sigma of each component.

    Raises
    ------
    Untraceable
        If the components are not all Gaussian, or all log-Gaussian.
    """
    families = {family for family, _ in parts}
    if families not in ({GAUSSIAN}, {LOG_GAUSSIAN}):
        names = ", ".join(family.name for family, _ in parts)
        msg = f"the quantile of a mixture of the families {names} has no formula"
        raise Untraceable(msg)
    x = _normal_quantile(parts, u, arguments)
    return np.exp(x) if families == {LOG_GAUSSIAN} else x


def _normal_quantile(parts: Parts, u: Any, arguments: Sequence[Any]) -> Any:
    # From the nearer tail; the upper one is the lower one of the mirrored mixture.
    is_upper = u > 0.5
    side = np.where(is_upper, -1.0, 1.0)
    p = np.where(is_upper, 1.0 - u, u)
    z = special.ndtri(p)
    total: Any = 0.0
    pieces = split_arguments(parts, arguments)
    for _, weight, _ in pieces:
        total = total + np.where(weight >= 0.0, weight, np.nan)
    total = positive(total)
    numbers: list[Any] = []
    quantiles: list[Any] = []
    for _, weight, (mean, sigma) in pieces:
        centre, scale = side * mean, positive(sigma)
        numbers += [weight / total, centre, scale]
        quantiles.append(centre + scale * z)
    low = high = quantiles[0]
    for item in quantiles[1:]:
        low, high = np.minimum(low, item), np.maximum(high, item)
    return side * root(p, low, high, *numbers)
