"""Least squares: one dataset, three jointly, and thousands of spectra one by one.

For when the best values and their errors are enough, and nested sampling takes too long.
"""

import time

import numpy as np
from cookbook import compare, dataset_folders, figure_path, nlive, truths

import graphfit as gf

live_points = nlive(default=100)

# --- one dataset ----------------------------------------------------------------------
names = [f"gaussian_x1_variable/sigma_{i}" for i in range(3)]
folders = dataset_folders(names, "variable_sigma.py")
analyses = [
    gf.ex.Analysis(
        data=gf.util.numpy_array_from_json(folder / "data.json"),
        noise_map=gf.util.numpy_array_from_json(folder / "noise_map.json"),
    )
    for folder in folders
]
model = gf.Model(gf.ex.Gaussian)
search = gf.LevenbergMarquardt(seed=1)
result = search.fit(model, analyses[0])
print("one dataset")
compare(result.samples, truths(folders[0]))
print(result.status.sentence)

# The evidence is Laplace's approximation, and has no error. Nested sampling checks it.
sampled = gf.DynestyStatic(nlive=live_points, seed=1).fit(model, analyses[0])
print(
    f"ln Z by Laplace's approximation {result.log_evidence:.2f}, by nested sampling "
    f"{sampled.log_evidence:.2f} +/- {sampled.log_evidence_error:.2f}"
)

# --- three datasets jointly: one centre, own normalization and sigma ------------------
centre = gf.UniformPrior(lower_limit=0.0, upper_limit=100.0)
factors = [
    gf.AnalysisFactor(gf.Model(gf.ex.Gaussian, centre=centre), analysis)
    for analysis in analyses
]
graph = gf.FactorGraphModel(*factors)
print("\nthree datasets jointly")
print(gf.explain(graph))  # compiled? if not: why, and what to write instead
results = search.fit(graph)
expected = {"centre": truths(folders[0])["centre"]}
for i, folder in enumerate(folders):
    for name in ("normalization", "sigma"):
        expected[f"{i}.{name}"] = truths(folder)[name]
compare(results.samples, expected)
gf.plot.fits(results, path=figure_path("least_squares_joint.png"))


# --- thousands of spectra, each by itself ---------------------------------------------
def line(v, amplitude, mean, stddev):
    return amplitude * np.exp(-0.5 * ((v - mean) / stddev) ** 2)


rng = np.random.default_rng(1)
count, noise = 5000, 0.2
v = np.linspace(-10.0, 10.0, 64)
truth = np.stack(
    [
        rng.uniform(1.0, 4.0, count),
        rng.uniform(-6, 6, count),
        rng.uniform(0.6, 2, count),
    ]
)
spectra = line(v, *truth[:, :, None]) + rng.normal(0.0, noise, (count, v.size))
spectra[:50] = rng.normal(0.0, noise, (50, v.size))  # no line
spectra[50:60] = np.nan  # blank
spectra[60:80, ::5] = np.nan  # gaps

filled = np.nan_to_num(spectra)
guesses = [filled.max(axis=1).clip(0.1, 20.0), v[filled.argmax(axis=1)], 1.0]
began = time.perf_counter()
values, covariances, info = gf.curve_fit(
    line,
    v,
    spectra,
    p0=guesses,  # numbers, or one a spectrum
    sigma=noise,
    absolute_sigma=True,  # the noise is known
    bounds=([0.0, v[0], 0.2], [20.0, v[-1], 10.0]),
    nan_policy="omit",  # leave NaN out; without it they are an error
    info=True,  # statuses instead of warnings
)
print(f"\n{count} spectra in {time.perf_counter() - began:.2f} s, with compiling")

# --- how each fit ended ---------------------------------------------------------------
for code, number in zip(*np.unique(info.status, return_counts=True), strict=True):
    print(f"{number:6d}  {gf.Status(int(code)).sentence}")
with np.errstate(invalid="ignore"):
    errors = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
    # A fit to noise converges too. What counts as a line is for you to say.
    lines = (info.status == gf.Status.CONVERGED) & (values[:, 0] > 5.0 * errors[:, 0])
print(f"{lines.sum()} lines above 5 errors, of {count - 60}")
print(f"{lines[:50].sum()} of 50 spectra without a line pass for one")
pulls = (values - truth.T)[lines] / errors[lines]
print(f"scatter of (fit - truth) / error: {pulls.std(axis=0).round(2)}")

# --- one of them, drawn ---------------------------------------------------------------
gaps = np.isnan(spectra[60])
one = gf.ProfileAnalysis(v, filled[60], noise_map=noise, mask=gaps)
model = gf.Model(
    line,
    amplitude=gf.UniformPrior(0.0, 20.0),
    mean=gf.UniformPrior(-10.0, 10.0),
    stddev=gf.UniformPrior(0.2, 10.0),
)
again = search.fit(model, one, start=values[60])
gf.plot.fit(again, path=figure_path("least_squares_one.png"))
