"""NestedSampler: nested sampling of a whole problem in compiled code."""

import math
from typing import Any, Literal, final

from graphfit.compiler import Program, lower
from graphfit.errors import SettingError, close_match
from graphfit.samples import Samples
from graphfit.search.nested.single_run import TRIES_A_POINT, run_single
from graphfit.search.search import Search
from graphfit.search.settings import require, settings
from graphfit.search.task import Task

CALLS_A_POINT = 20_000
SLICES_A_DIMENSION = 10

Sample = Literal["auto", "rejection", "slice"]


@final
@settings
class NestedSampler(Search):
    """Nested sampling in machine code: for a spectrum in milliseconds, for every pixel.

    ``ln Z = ln integral of L(theta) p(theta) dtheta``, with the posterior on the way.  The
    lowest of `n_live` points is replaced by one drawn from the prior above it (Skilling
    2006, Bayesian Analysis 1, 833).  New points come from a union of ellipsoids about the
    live points; where that costs too many calls, for good by slice sampling.

    Parameters
    ----------
    n_live : int, >= 10
        Live points, more than twice the number of parameters.  The error of ln Z is
        about ``sqrt(H / n_live)``, H the information in nat; the cost grows in proportion.
    dlogz : float, > 0
        Stop when the live points can add less than this to ln Z.
    max_calls : int, optional
        The cap on likelihood calls of one problem: it then ends with what it has, status
        ``OUT_OF_EVALUATIONS``.  None: ``20 000 n_live``.
    sample : {"auto", "rejection", "slice"}
        How new points are drawn: "auto" begins with rejection from ellipsoids, and goes
        over to slices once where a point takes more than 25 calls a dimension.
    slice_steps : int, optional
        Slices for one new point; None: 10 for each dimension.
    periodic : tuple of str
        Parameters whose ends meet, an angle for instance, by name.
    integrate_amplitudes : bool
        Integrate out the parameters that the model is linear in, where noise is Gaussian and
        their priors are Gaussian (with limits or without) or uniform: exact, and fewer
        dimensions to sample.  They are drawn back into the samples.
    order_components : bool
        Sort the components of a sum that are alike by their first common parameter, their
        centres for instance: exact, and one mode where there would be K!.
    quadrature : bool
        Where at most two dimensions are left to sample, integrate over them to 1e-4
        instead; the samples are then the nodes, with their weights.
    polish : int, 0 or >= 100
        Draws of importance sampling after the run, from a mixture that is fitted to it.
        Where they can be trusted (Pareto k < 0.7) ln Z and samples are theirs: the error
        of ln Z becomes several times smaller.

    See Also
    --------
    graphfit.search.Search : name, path_prefix, seed and progress.

    Notes
    -----
    The ellipsoids are a tree of 2-means, each scaled to hold its n points and then enlarged
    in volume by at least ``1 + 3 D (D + 3) / (2 n)``, the parts of a lump by 2.5 times as
    much more: bounds that are too tight make ln Z too high.

    A likelihood that cannot be compiled is called in Python from the same loop;
    ``gf.explain`` says so.

    Examples
    --------
    >>> import numpy as np
    >>> import graphfit as gf
    >>> def line(x, slope):
    ...     return slope * x
    >>> x = np.arange(10.0)
    >>> model = gf.Model(line, slope=gf.UniformPrior(0, 10))
    >>> analysis = gf.ProfileAnalysis(x, 2.0 * x, noise_map=1.0)
    >>> result = gf.NestedSampler(n_live=100, seed=1).fit(model, analysis)
    >>> bool(abs(result.median_pdf().slope - 2.0) < 0.03)
    True
    """

    n_live: int = 250
    dlogz: float = 0.01
    max_calls: int | None = None
    sample: Sample = "auto"
    slice_steps: int | None = None
    periodic: tuple[str, ...] = ()
    integrate_amplitudes: bool = True
    order_components: bool = True
    quadrature: bool = False
    polish: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "n_live", self.n_live >= 10, "at least 10")
        require(self, "dlogz", 0.0 < self.dlogz < math.inf, "> 0 and finite")
        for name in ("max_calls", "slice_steps"):
            value = getattr(self, name)
            require(self, name, value is None or value >= 1, "at least 1")
        polish = self.polish == 0 or self.polish >= 100
        require(self, "polish", polish, "0, or at least 100")
        names = all(isinstance(item, str) for item in self.periodic)
        require(self, "periodic", names, "a tuple of parameters' names")

    def check(self, program: Program) -> None:
        known = program.space.names
        for name in self.periodic:
            if name not in known:
                msg = (
                    f"NestedSampler(periodic={self.periodic!r}): there is no parameter "
                    f"{name!r}.{close_match(name, known)}"
                )
                raise SettingError(msg)
        # Fewer lie in a plane, which neither ellipsoids about them nor slices leave.
        parts = program.graph.components() if self.split_components else ()
        sizes = [lower(part).dimension for part in parts] if len(parts) > 1 else []
        most = 2 * max(sizes, default=program.dimension)
        rule = f"more than {most}: twice the number of parameters"
        require(self, "n_live", self.n_live > most, rule)

    def run(self, task: Task) -> Samples:
        return run_single(self, task)

    def engine_settings(self, dimension: int) -> Any:
        """Return the settings as the compiled loop takes them.

        Parameters
        ----------
        dimension : int
            Of the cube that is sampled.
        """
        from graphfit.search.nested.engine.workspace import Settings

        steps = SLICES_A_DIMENSION * dimension
        most = CALLS_A_POINT * self.n_live
        return Settings(
            self.dlogz,
            most if self.max_calls is None else self.max_calls,
            TRIES_A_POINT * self.n_live,
            self.sample != "slice",
            self.sample != "rejection",
            steps if self.slice_steps is None else self.slice_steps,
            self.polish,
            self.quadrature,
        )
