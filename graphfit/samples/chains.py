"""ChainRecord: how Markov chains went, beside the draws that they gave."""

from dataclasses import dataclass
from typing import final

import numpy as np

from graphfit.typing import BoolArray, FloatArray, IntArray


@final
@dataclass(frozen=True, eq=False)
class ChainRecord:
    """Chains of Hamiltonian steps; rows of the samples are chain by chain, in order.

    C chains of n draws each: S = C n.

    Attributes
    ----------
    n_chains, tune : int
        C, and how many draws each chain dropped as its warm-up.
    max_depth : int
        The depth at which a trajectory was cut short.
    divergent : ndarray of int
        Rows of draws whose trajectory left the path that its energy allows: the sampler
        cannot follow the posterior there.
    depths : ndarray of int, shape (S,)
        Doublings of each trajectory.
    energies : ndarray of float, shape (S,)
    step_sizes : ndarray, shape (C,)
        After the warm-up.
    r_hat : ndarray, shape (D,)
        The scatter over all chains to that within them; 1 for chains that agree.
    bulk_ess, tail_ess : ndarray, shape (D,)
        Effective sample sizes: of the middle, and of the 5 and 95 % quantiles.
    bfmi : ndarray, shape (C,)
        How freely the energy moved from draw to draw; below 0.3 the tails are not reached.
    centred : ndarray of bool, shape (D,)
        Which conditional parameters were sampled in the centred form.
    """

    n_chains: int
    tune: int
    max_depth: int
    divergent: IntArray
    depths: IntArray
    energies: FloatArray
    step_sizes: FloatArray
    r_hat: FloatArray
    bulk_ess: FloatArray
    tail_ess: FloatArray
    bfmi: FloatArray
    centred: BoolArray

    @property
    def n_draws(self) -> int:
        """Draws of one chain."""
        return len(self.depths) // self.n_chains

    @property
    def cut_short(self) -> int:
        """How many trajectories reached `max_depth`."""
        return int(np.sum(self.depths >= self.max_depth))

    def __str__(self) -> str:
        # A parameter that never moved has none: NaN, which no limit may hide.
        return (
            f"{self.n_chains} of {self.n_draws} draws, R-hat <= {np.max(self.r_hat):.3f}, "
            f"ESS >= {np.min(self.bulk_ess):.0f} (tails {np.min(self.tail_ess):.0f}), "
            f"{len(self.divergent)} divergent"
        )
