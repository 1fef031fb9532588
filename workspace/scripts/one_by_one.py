"""Datasets fitted one by one, and the model between them by interpolation.

For when a joint fit is too large, or no relation over time is known.
"""

from cookbook import compare, dataset_folders, figure_path, nlive, truths

import graphfit as gf

live_points = nlive(default=100)

# --- fit each dataset; `time` is a constant of the model ------------------------------
times = [0.0, 1.0, 2.0]
names = [f"gaussian_x1_variable/time_{i}" for i in range(3)]
results = []
for time, folder in zip(times, dataset_folders(names, "moving_centre.py"), strict=True):
    model = gf.Collection(gaussian=gf.Model(gf.ex.Gaussian), time=time)
    analysis = gf.ex.Analysis(
        data=gf.util.numpy_array_from_json(folder / "data.json"),
        noise_map=gf.util.numpy_array_from_json(folder / "noise_map.json"),
    )
    search = gf.DynestyStatic(nlive=live_points, seed=1)
    result = search.fit(model=model, analysis=analysis)
    print(f"\ntime {time:g}")
    expected = {f"gaussian.{key}": value for key, value in truths(folder).items()}
    compare(result.samples, expected)
    gf.plot.fit(result, path=figure_path(f"one_by_one_time_{time:g}.png"))
    results.append(result)

# --- between the datasets -------------------------------------------------------------
linear = gf.LinearInterpolator([result.instance for result in results])
between = linear[linear.time == 1.5]
print(f"\nlinear, time 1.5: centre {between.gaussian.centre:.3f}   truth 55")

# The best fits alone say nothing of the error; the covariance interpolator fits a
# straight line to all posteriors at once, each with its covariance matrix.
weighted = gf.CovarianceInterpolator(results)
between = weighted[weighted.time == 1.5]
error = weighted.errors(1.5).gaussian.centre
print(f"{'gaussian.centre':<28}{between.gaussian.centre:10.4f}", end="")
print(f"  -{error:.4f}  +{error:.4f}   truth 55")
