"""Three observations of one unchanging signal, fitted together.

All factors hold the same model, so the three datasets constrain one set of three
parameters, and the errors shrink by about the square root of three.
"""

from cookbook import OUTPUT, compare, dataset_folders, figure_path, nlive, truths

import graphfit as gf

search = gf.DynestyStatic(nlive=nlive(default=150), seed=1)

# --- data -----------------------------------------------------------------------------
names = [f"gaussian_x1_identical_{i}" for i in range(3)]
folders = dataset_folders(names, "identical.py")
analyses = [
    gf.ex.Analysis(
        data=gf.util.numpy_array_from_json(folder / "data.json"),
        noise_map=gf.util.numpy_array_from_json(folder / "noise_map.json"),
    )
    for folder in folders
]

# --- model: one object, in every factor -----------------------------------------------
model = gf.Model(gf.ex.Gaussian)
model.centre = gf.UniformPrior(0.0, 100.0)
model.normalization = gf.LogUniformPrior(1e-2, 1e2)
model.sigma = gf.TruncatedGaussianPrior(10.0, 5.0, lower_limit=0.0)

graph = gf.FactorGraphModel(*[gf.AnalysisFactor(model, one) for one in analyses])
print(graph.info)

# --- fit ------------------------------------------------------------------------------
results = search.fit(graph)
print(results.info)

print("\nAll three together")
compare(results.samples, truths(folders[0]))

# --- what the other two datasets were worth -------------------------------------------
alone = search.fit(model=model, analysis=analyses[0])
print("\nThe first dataset alone")
compare(alone.samples, truths(folders[0]))

together_error = results.covariance_matrix[0, 0] ** 0.5
alone_error = alone.covariance_matrix[0, 0] ** 0.5
print(
    f"\nThe error of the centre shrank by a factor {alone_error / together_error:.2f}"
)

gf.plot.fits(results, path=figure_path("identical_signal.png"))
gf.plot.graph(graph, path=figure_path("identical_signal_graph.png"))
print(f"Figures are in {OUTPUT / 'figures'}")
