"""Which members' draws can check their site: by what the site itself expects of them.

Under a site, draws are of N(0, 1) in z, and the population makes N(e, V) of it.  The
effective number of S draws is then

    n_eff = S sqrt(det(V (2 - V))) exp(-e^T (2 - V)^-1 e).                            [Eq. 1]

To choose members by the effective number that their draws happen to have would choose by
their noise, and bias the comparison.
"""

from typing import Any

import numpy as np

from graphfit.population.gaussian_form import SiteTerm, moments
from graphfit.population.mixture_form import MixtureTerm
from graphfit.population.node_form import NODES, STEP
from graphfit.typing import FloatArray


def expected_share(term: Any, size: int) -> FloatArray:
    """Return n_eff / S of members as their sites expect it, shape (N,).

    Parameters
    ----------
    term : SiteTerm, MixtureTerm or NodeTerm
        At one Lambda.
    size : int
        N.
    """
    if isinstance(term, SiteTerm):
        return _of_gaussians(term, size)
    if isinstance(term, MixtureTerm):
        # Parts that do not overlap: 1 / n_eff is the sum of q_k^2 / (W_k n_eff,k).
        total: Any = 0.0
        for q, w, part in zip(term.share, term.weight, term.parts, strict=True):
            own = np.maximum(_of_gaussians(part, size) * w, 1e-300)
            total = total + np.where(w > 0.0, q * q / own, 0.0)
        return np.asarray(1.0 / total, dtype=np.float64)
    z = np.array(NODES)[:, None]
    normal = np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)
    share = np.array(term.share)
    found: FloatArray = 1.0 / (share**2 / (normal * STEP)).sum(axis=0)
    return found


def _of_gaussians(term: SiteTerm, size: int) -> FloatArray:
    """Return Eq. 1, of a mixture with the moments of the whole."""
    mean, covariance = moments(term.share, term.parts)
    count = len(mean)
    e = np.stack([np.broadcast_to(item, (size,)) for item in mean], axis=1)
    v = np.empty((size, count, count))
    for i in range(count):
        for j in range(count):
            v[:, i, j] = covariance[i][j]
    left = 2.0 * np.eye(count) - v
    sign, log_det = np.linalg.slogdet(v @ left)
    usable = (sign > 0.0) & np.isfinite(log_det)
    left[~usable] = np.eye(count)
    square = (e * np.linalg.solve(left, e[:, :, None])[:, :, 0]).sum(axis=1)
    found: FloatArray = np.where(usable, np.exp(0.5 * log_det - square), 0.0)
    return found
