"""Three observations with one centre; normalization and sigma are each dataset's own.

Copies of a model share its priors.  A prior assigned to one copy belongs to that dataset
alone: 1 centre + 3 normalizations + 3 sigmas = 7 free parameters.
"""

from cookbook import compare, dataset_folders, figure_path, nlive, truths

import graphfit as gf

search = gf.DynestyStatic(nlive=nlive(default=200), seed=1)

# --- data -----------------------------------------------------------------------------
names = [f"gaussian_x1_variable/sigma_{i}" for i in range(3)]
folders = dataset_folders(names, "variable_sigma.py")

# --- model ----------------------------------------------------------------------------
shared = gf.Model(gf.ex.Gaussian, centre=gf.UniformPrior(0.0, 100.0))
factors = []
for folder in folders:
    model = shared.copy()  # keeps the centre's prior, so the centre is shared
    model.normalization = gf.LogUniformPrior(1e-2, 1e2)
    model.sigma = gf.UniformPrior(0.0, 30.0)
    analysis = gf.ex.Analysis(
        data=gf.util.numpy_array_from_json(folder / "data.json"),
        noise_map=gf.util.numpy_array_from_json(folder / "noise_map.json"),
    )
    factors.append(gf.AnalysisFactor(model, analysis))

graph = gf.FactorGraphModel(*factors)
print(graph.info)

# --- fit ------------------------------------------------------------------------------
results = search.fit(graph)
print(results.info)

expected = {"centre": truths(folders[0])["centre"]}
for i, folder in enumerate(folders):
    expected[f"{i}.normalization"] = truths(folder)["normalization"]
    expected[f"{i}.sigma"] = truths(folder)["sigma"]
print()
compare(results.samples, expected)

# Each result speaks of its own dataset.
for result in results:
    best = result.max_log_likelihood_instance
    print(f"Dataset {result.name}: best sigma {best.sigma:.2f}", end=", ")
    print(f"chi-squared {result.chi_squared:.1f} of its 100 points")

# The three normalizations agree within their errors and the widths grow in equal steps:
# relation.py puts that into the model.
gf.plot.fits(results, path=figure_path("own_normalization_and_sigma.png"))
gf.plot.marginals(
    results, path=figure_path("own_normalization_and_sigma_posterior.png")
)
