"""Named fits to be killed.

    python interrupted_fit.py KIND

fits in the working folder and leaves a result there.  Without a kind the script forks such
fits, so that engines are imported once and not for every fit: a line "kind after folder" on
its input is a fit in that folder, which is killed with its workers once so many more
evaluations are done (0: never); the answer is its exit code.
"""

import os
import signal
import sys
import time
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


def evaluations(folder):
    count = folder / "count"
    return count.stat().st_size if count.exists() else 0


def fitted_here(kind):
    import warnings

    # A short chain says so; that is not the matter here.
    warnings.simplefilter("ignore")
    record = SEARCHES[kind].fit(graph()).record
    np.savez(
        "result.npz",
        values=record.values,
        log_likelihood=record.log_likelihood,
        log_weights=record.log_weights,
        evidence=[record.log_evidence, record.log_evidence_error],
    )


def forked(kind, after, folder):
    """Fit in a child, kill it in mid run if `after` says so, and return its exit code."""
    wanted = evaluations(folder) + after
    child = os.fork()
    if not child:
        os.setsid()  # its group is the fit with its workers
        os.chdir(folder)
        os.environ["GRAPHFIT_TEST_COUNT"] = str(folder / "count")
        fitted_here(kind)
        os._exit(0)
    ended, status = 0, 0
    while after and evaluations(folder) < wanted and not ended:
        ended, status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.002)
    if not ended:
        if after:
            os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        fitted_here(sys.argv[1])
    else:
        import dynesty  # noqa: F401  # once, not in each fit
        import emcee  # noqa: F401

        for request in sys.stdin:
            kind, after, folder = request.split(maxsplit=2)
            code = forked(kind, int(after), Path(folder.rstrip("\n")))
            print(code, flush=True)
