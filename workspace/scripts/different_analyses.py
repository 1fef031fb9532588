"""Two instruments, two likelihoods, one line.

One dataset holds fluxes with Gaussian errors, the other photon counts, which are Poisson
distributed.  Each has its own analysis; the line's centre and sigma are shared.
"""

import numpy as np
from cookbook import compare, dataset_folders, figure_path, nlive, truths
from scipy.special import gammaln

import graphfit as gf

search = gf.DynestyStatic(nlive=nlive(default=200), seed=1)


class CountsAnalysis(gf.Analysis):
    """Counts k with rate r(x): ln L = sum(k ln r - r - ln k!)."""

    def __init__(self, counts):
        self.counts = np.asarray(counts, dtype=float)
        self.xvalues = np.arange(self.counts.size, dtype=float)
        self._log_factorials = float(gammaln(self.counts + 1.0).sum())

    def model_data(self, instance):
        return instance.line(self.xvalues) + instance.background

    def log_likelihood_function(self, instance):
        rate = self.model_data(instance)
        if rate.min() <= 0.0:
            raise gf.FitException  # such a rate cannot give counts: reject the point
        return float(self.counts @ np.log(rate) - rate.sum()) - self._log_factorials

    def derived(self, instance):
        return {"line_counts": float(instance.line(self.xvalues).sum())}


# --- data -----------------------------------------------------------------------------
flux_folder, counts_folder = dataset_folders(
    ["flux_and_counts/flux", "flux_and_counts/counts"], "flux_and_counts.py"
)
flux_analysis = gf.ex.Analysis(
    data=gf.util.numpy_array_from_json(flux_folder / "data.json"),
    noise_map=gf.util.numpy_array_from_json(flux_folder / "noise_map.json"),
)
counts_analysis = CountsAnalysis(
    gf.util.numpy_array_from_json(counts_folder / "counts.json")
)

# --- model ----------------------------------------------------------------------------
flux_line = gf.Model(gf.ex.Gaussian, normalization=gf.LogUniformPrior(0.1, 1e3))
counts_line = flux_line.copy()
counts_line.normalization = gf.LogUniformPrior(1.0, 1e4)
counts_model = gf.Collection(line=counts_line, background=gf.LogUniformPrior(1e-2, 1e2))

graph = gf.FactorGraphModel(
    gf.AnalysisFactor(flux_line, flux_analysis, name="flux"),
    gf.AnalysisFactor(counts_model, counts_analysis, name="counts"),
)
print(graph.info)

# --- fit ------------------------------------------------------------------------------
results = search.fit(graph)
print(results.info)

flux, counts = truths(flux_folder), truths(counts_folder)
print("\nThe flux dataset's parameters, from both datasets")
compare(results["flux"].samples, flux)
print("The counts dataset's parameters, from both datasets")
compare(
    results["counts"].samples,
    {
        "line.centre": counts["centre"],
        "line.normalization": counts["normalization"],
        "line.sigma": counts["sigma"],
        "background": counts["background"],
    },
)

gf.plot.graph(graph, path=figure_path("different_analyses_graph.png"))
gf.plot.marginals(results, path=figure_path("different_analyses_posterior.png"))
