"""A parameter that follows a relation over the datasets: sigma = m x + c.

Arithmetic on priors is a model.  However many datasets there are, only m and c are free:
1 centre + 1 normalization + 2 for the relation = 4 free parameters.
"""

from cookbook import compare, dataset_folders, figure_path, nlive, truths

import graphfit as gf

search = gf.DynestyStatic(nlive=nlive(default=200), seed=1)

# --- data -----------------------------------------------------------------------------
names = [f"gaussian_x1_variable/sigma_{i}" for i in range(3)]
folders = dataset_folders(names, "variable_sigma.py")
x_values = [1.0, 2.0, 3.0]
analyses = [
    gf.ex.Analysis(
        data=gf.util.numpy_array_from_json(folder / "data.json"),
        noise_map=gf.util.numpy_array_from_json(folder / "noise_map.json"),
    )
    for folder in folders
]

# --- model ----------------------------------------------------------------------------
centre = gf.UniformPrior(0.0, 100.0)
normalization = gf.LogUniformPrior(1e-2, 1e2)
m = gf.UniformPrior(0.0, 10.0, name="m")  # the name is how tables call it: sigma.m
c = gf.UniformPrior(0.0, 10.0, name="c")


def graph_with(sigmas: list) -> gf.FactorGraphModel:
    factors = []
    for sigma, analysis in zip(sigmas, analyses, strict=True):
        model = gf.Model(
            gf.ex.Gaussian, centre=centre, normalization=normalization, sigma=sigma
        )
        factors.append(gf.AnalysisFactor(model, analysis))
    return gf.FactorGraphModel(*factors)


relational = graph_with([m * x + c for x in x_values])
print(relational.info)

# --- fit ------------------------------------------------------------------------------
results = search.fit(relational)
print(results.info)

# The relation's own value in each dataset is a derived column of the samples.
print()
compare(
    results.samples,
    {"centre": 50.0, "normalization": 50.0, "sigma.m": 5.0, "sigma.c": 5.0},
)
for result, folder in zip(results, folders, strict=True):
    minus, plus = result.errors_at_sigma(1.0).sigma
    sigma = result.median_pdf().sigma
    name, truth = f"{result.name}.sigma", truths(folder)["sigma"]
    print(f"{name:<28}{sigma:10.4f}  -{minus:.4f}  +{plus:.4f}   truth {truth:g}")

# --- does a straight line describe the widths? ----------------------------------------
free = search.fit(graph_with([gf.UniformPrior(0.0, 30.0) for _ in x_values]))
difference = results.log_evidence - free.log_evidence
error = (results.log_evidence_error**2 + free.log_evidence_error**2) ** 0.5
print(
    f"\nln Z (relation) - ln Z (three free sigmas) = {difference:.2f} +/- {error:.2f}"
)

gf.plot.fits(results, path=figure_path("relation.png"))
gf.plot.evidences(
    {"relation": results, "free sigmas": free},
    path=figure_path("relation_evidences.png"),
)
