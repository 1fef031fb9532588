"""Where chains begin: points apart from each other, none of them far from the posterior.

Each chain has a start of its own: the best of draws from the prior, swept parameter by
parameter (:mod:`graphfit.search.starting_points`), then led uphill by L-BFGS in non-centred
coordinates, in which the density has a highest point.  (In theta a population's density
grows without limit where its scale goes to zero.)  The mode is no typical point: the chain
starts a few posterior widths beside it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphfit.compiler.factor_sum import FactorSum
from graphfit.errors import ResultError
from graphfit.search.nuts.density import Chain
from graphfit.search.starting_points import starting_points
from graphfit.search.task import Task
from graphfit.typing import FloatArray

DRAWS = 200  # from the prior, among which starts are chosen
SWEEP = 15
CLIMB = {"maxiter": 300, "ftol": 1e-7}  # of L-BFGS; nobody needs the very top
PROBES = 16  # of the curvature
SPREAD = 2.0  # posterior widths, about: starts should lie further apart than draws
LOST = 10.0  # in ln L: a mode of e^-10 is no mode of the posterior
TRIES = 30  # each at half the distance


def tops(task: Task, chain: Chain, count: int) -> list[FloatArray]:
    """Return `count` points y near maxima of the density, from different beginnings.

    Parameters
    ----------
    task : Task
        Its start, where there is one, is every chain's.
    chain : Chain
        Of the density in non-centred coordinates.
    count : int

    Raises
    ------
    ResultError
        If the density is zero wherever the prior was tried.
    """
    density = chain.density
    if task.start is not None:
        return [_inside(density.inverse(task.start))] * count
    thetas, _ = starting_points(task, count, DRAWS, SWEEP, "NUTS")
    found = _climbed_all(chain, thetas)
    if len(found) > 1:
        found = _climbed_all(chain, helped(chain, [chain.theta(y) for y in found]))
    density.raise_error()
    if not found:
        raise ResultError(_nowhere("any point that was tried"))
    return [found[k % len(found)] for k in range(count)]


def _climbed_all(chain: Chain, thetas: Sequence[FloatArray]) -> list[FloatArray]:
    starts = [_inside(chain.density.inverse(theta)) for theta in thetas]
    climbed_to = [climbed(chain, y) for y in starts]
    return [y for y in climbed_to if chain(y)[0] > -np.inf]


def helped(chain: Chain, thetas: Sequence[FloatArray]) -> list[FloatArray]:
    """Return the points with lost datasets put where another point has them.

    Of a thousand datasets some are lost in any climb: a line that was put beside the data
    stays there.  A dataset whose ln L is lower than at another point by more than `LOST`
    takes that point's parameters, those that are its own.  Modes that compete are kept.
    """
    density = chain.density
    factors = FactorSum(density.kernels, density.data, "value", density.dimension)
    values = np.array([factors(theta) for theta in thetas])
    best = np.argmax(values, axis=0)
    uses = np.bincount(factors.local, minlength=density.dimension)
    result = []
    for row, theta in zip(values, thetas, strict=True):
        moved = theta.copy()
        for f in np.flatnonzero(row < values.max(axis=0) - LOST):
            local = density.data[f].local
            own = local[uses[local] == 1]
            moved[own] = thetas[best[f]][own]
        result.append(moved)
    return result


def spread_starts(
    chain: Chain, points: Sequence[FloatArray], rng: np.random.Generator
) -> list[FloatArray]:
    """Return a point y some posterior widths beside each of `points`.

    Parameters
    ----------
    chain : Chain
    points : sequence of ndarray, each of shape (D,)
        y.
    rng : numpy Generator
    """
    return [beside(chain, y, widths(chain, y, rng), rng) for y in points]


def prior_starts(
    task: Task, chain: Chain, count: int, rng: np.random.Generator
) -> list[FloatArray]:
    """Return `count` draws from the prior at which the posterior is not zero, as y."""
    found: list[FloatArray] = []
    space = task.program.space
    for _ in range(1000 * count):
        theta = space.transform(rng.random(space.dimension))
        y = chain.density.inverse(theta)
        if np.isfinite(y).all() and _usable(chain, y):
            found.append(y)
        if len(found) == count:
            return found
    chain.density.raise_error()
    raise ResultError(_nowhere(f"{1000 * count} draws from the prior"))


def _nowhere(where: str) -> str:
    return (
        "NUTS found no place to begin: the posterior is zero, or has no gradient, at "
        f"{where}. Check the likelihood and the conditions, give start=, or priors nearer "
        "to the data."
    )


def _inside(y: FloatArray) -> FloatArray:
    """Return y with the edges of the support, which are infinite, moved inside."""
    return np.clip(np.nan_to_num(y, nan=0.0), -20.0, 20.0)


def climbed(chain: Chain, y: FloatArray) -> FloatArray:
    """Return the point uphill of y where L-BFGS ends."""
    from scipy.optimize import minimize

    found: Any = minimize(_height(chain), y, jac=True, method="L-BFGS-B", options=CLIMB)
    return np.asarray(found.x)


def _height(chain: Chain) -> Callable[[FloatArray], tuple[float, FloatArray]]:
    """Return -ln p and its gradient; above all seen where p is zero.

    Infinity would stop the line search: so the step is shortened instead.
    """
    wall = 0.0

    def height(y: FloatArray) -> tuple[float, FloatArray]:
        nonlocal wall
        value, slope = chain(y)
        if value == -np.inf:
            return wall + 1.0 + abs(wall), np.zeros(y.size)
        wall = max(wall, -value)
        return -value, -slope

    return height


def widths(chain: Chain, y: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return about how wide the posterior is along each y (D,), the others held.

    The diagonal of the curvature H is the mean of ``v * H v`` over random signs v
    (Hutchinson's estimate); H v is a difference of gradients.
    """
    h = 1e-4
    total = np.zeros(y.size)
    for _ in range(PROBES):
        v = rng.choice([-1.0, 1.0], y.size)
        (above, up), (below, down) = chain(y + h * v), chain(y - h * v)
        if min(above, below) > -np.inf:
            total -= v * (up - down) / (2.0 * h)
    return 1.0 / np.sqrt(np.maximum(np.abs(total) / PROBES, 0.25))


def beside(
    chain: Chain, y: FloatArray, width: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Return a point some widths beside y at which a chain can begin.

    Raises
    ------
    ResultError
        If there is none.
    """
    distance = SPREAD
    for _ in range(TRIES):
        point = y + distance * width * rng.normal(size=y.size)
        if _usable(chain, point):
            return point
        distance *= 0.5
    chain.density.raise_error()
    raise ResultError(_nowhere("the points beside its start"))


def begin_at(chain: Chain, y: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return y, or a point beside it where a chain cannot begin at y itself.

    Raises
    ------
    ResultError
        If there is none.
    """
    if np.isfinite(y).all() and _usable(chain, y):
        return y
    inside = _inside(y)
    return beside(chain, inside, np.full(y.size, 0.1), rng)


def _usable(chain: Chain, y: FloatArray) -> bool:
    # nutpie takes a slope of exactly zero for a parameter that the density does not know.
    value, slope = chain(y)
    return value > -np.inf and bool(np.all(slope != 0.0))
