"""A fit in three easy steps: the left line, the right line, then both.

Each step hands on what it found: as fixed values (`result.instance`), or as priors
(`result.model_centred`, Gaussians around the medians, as wide as the 3 sigma errors).
"""

from cookbook import compare, dataset_folders, figure_path, nlive, truths

import graphfit as gf

live_points = nlive(default=100)
search = gf.DynestyStatic(nlive=live_points, seed=1)

(folder,) = dataset_folders(["gaussian_x2_split"], "two_gaussians.py")
data = gf.util.numpy_array_from_json(folder / "data.json")
noise_map = gf.util.numpy_array_from_json(folder / "noise_map.json")

# --- 1: the left half of the data, one line -------------------------------------------
left = search.fit(
    model=gf.Collection(left=gf.ex.Gaussian),
    analysis=gf.ex.Analysis(data=data[:50], noise_map=noise_map[:50]),
)
print(f"left alone: {left.instance.left}")

# --- 2: all the data; the left line is fixed at its best fit --------------------------
analysis = gf.ex.Analysis(data=data, noise_map=noise_map)
right = search.fit(
    model=gf.Collection(left=left.instance.left, right=gf.ex.Gaussian),
    analysis=analysis,
)
print(f"right, left fixed: {right.instance.right}")

# --- 3: both lines free, with priors from the two steps -------------------------------
model = gf.Collection(left=left.model_centred.left, right=right.model_centred.right)
print(model.info)
both = search.fit(model=model, analysis=analysis)
print(both.info)
print()
compare(both.samples, truths(folder))

# Priors from the same data sharpen the search, not the knowledge: take errors from step
# 3, but compare models by evidences of fits with priors that have not seen the data.
gf.plot.fit(both, path=figure_path("chaining.png"))
