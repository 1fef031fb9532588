"""Ten faint lines whose centres are draws from one population.

The mean and the scatter of the population are parameters too.  Each line's centre has the
population as its prior, so faint lines borrow strength from the others.
"""

from cookbook import compare, dataset_folders, figure_path, nlive, truths

import graphfit as gf

search = gf.DynestyStatic(nlive=nlive(default=100), sample="rwalk", walks=25, seed=1)

# --- data -----------------------------------------------------------------------------
names = [f"gaussian_x1__low_snr/dataset_{i}" for i in range(10)]
folders = dataset_folders(names, "low_snr.py")

# --- model: all share normalization and sigma, each has its own centre ----------------
normalization, sigma = gf.UniformPrior(0.0, 20.0), gf.UniformPrior(1.0, 20.0)
population = gf.HierarchicalFactor(
    gf.GaussianPrior,
    mean=gf.UniformPrior(0.0, 100.0),
    sigma=gf.UniformPrior(0.5, 30.0),
)
factors = []
for folder in folders:
    model = gf.Model(gf.ex.Gaussian, normalization=normalization, sigma=sigma)
    population.add_drawn_variable(model.centre)
    analysis = gf.ex.Analysis(
        data=gf.util.numpy_array_from_json(folder / "data.json"),
        noise_map=gf.util.numpy_array_from_json(folder / "noise_map.json"),
    )
    factors.append(gf.AnalysisFactor(model, analysis))

graph = gf.FactorGraphModel(*factors, population)
print(graph.info)

# --- fit ------------------------------------------------------------------------------
results = search.fit(graph)
print(results.info)

expected = {
    "normalization": 5.0,
    "sigma": 8.0,
    "distribution_model.mean": 50.0,
    "distribution_model.sigma": 8.0,
}
expected |= {
    f"{i}.centre": truths(folder)["centre"] for i, folder in enumerate(folders)
}
print()
compare(results.samples, expected)

gf.plot.graph(graph, path=figure_path("hierarchy_graph.png"))
gf.plot.marginals(results, path=figure_path("hierarchy_posterior.png"))
