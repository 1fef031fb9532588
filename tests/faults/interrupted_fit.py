"""A named fit to be killed: run as a script with a search's name and a counter file."""

import os
import sys
from pathlib import Path

import numpy as np

import graphfit as gf

SEARCHES = {
    "static": gf.DynestyStatic(nlive=40, seed=5, name="fit", figures=False),
    "walks": gf.DynestyStatic(
        nlive=40, seed=5, name="fit", sample="rwalk", walks=10, figures=False
    ),
    "dynamic": gf.DynestyDynamic(
        nlive_init=40, nlive_batch=40, maxbatch=1, seed=5, name="fit", figures=False
    ),
    "workers": gf.DynestyStatic(
        nlive=40, seed=5, name="fit", n_workers=2, figures=False
    ),
    "emcee": gf.Emcee(nsteps=60, thin=1, seed=5, name="fit", figures=False),
    "lbfgs": gf.LBFGS(seed=5, name="fit", figures=False),
}


class Counting(gf.Analysis):
    """A straight line; every evaluation leaves one byte in a file beside the data."""

    def __init__(self):
        self.x = np.arange(12.0)
        self.data = 0.5 * self.x + 2.0 + np.sin(7.0 * self.x)

    def log_likelihood_function(self, instance):
        with Path(os.environ["GRAPHFIT_TEST_COUNT"]).open("ab") as file:
            file.write(b".")
        residual = self.data - instance(self.x)
        return float(-0.5 * residual @ residual)


def line(x, slope, offset):
    return slope * x + offset


def graph():
    slope = gf.UniformPrior(-5.0, 5.0)
    return gf.FactorGraphModel(
        *[
            gf.AnalysisFactor(
                gf.Model(line, slope=slope, offset=gf.GaussianPrior(0.0, 5.0)),
                Counting(),
            )
            for _ in range(2)
        ]
    )


if __name__ == "__main__":
    import warnings

    warnings.simplefilter(
        "ignore"
    )  # a short chain says so; that is not the matter here
    record = SEARCHES[sys.argv[1]].fit(graph()).record
    np.savez(
        "result.npz",
        values=record.values,
        log_likelihood=record.log_likelihood,
        log_weights=record.log_weights,
        evidence=[record.log_evidence, record.log_evidence_error],
    )
