"""Pictures of graphs, fits, posteriors and maps, known to users as ``gf.plot``.

Every function returns a matplotlib ``Figure`` that belongs to no window, and saves it where
``path=`` is given.  matplotlib loads when the first picture is made.
"""

from graphfit.plot.comparison import evidences
from graphfit.plot.cube_maps import maps
from graphfit.plot.data_fit import fit, fits
from graphfit.plot.factor_graph import graph
from graphfit.plot.insertion_ranks import insertion_ranks
from graphfit.plot.pixel_spectra import spectra
from graphfit.plot.population import population
from graphfit.plot.posterior import corner, marginals
from graphfit.plot.predictive import predictive
from graphfit.plot.profile import plot_profile_1d
from graphfit.plot.sensitivity import sensitivity

__all__ = [
    "corner",
    "evidences",
    "fit",
    "fits",
    "graph",
    "insertion_ranks",
    "maps",
    "marginals",
    "plot_profile_1d",
    "population",
    "predictive",
    "sensitivity",
    "spectra",
]
