"""Runs with a name: what they leave in a folder, and how they go on after a stop.

A run is known by its content: model, sharing, data, likelihood and search settings.  The
same content under the same name is never run twice; other data never get the old answer.
"""

import time

from cookbook import OUTPUT, compare, dataset_folders, nlive, truths

import graphfit as gf

search = gf.DynestyStatic(
    name="resume", path_prefix=OUTPUT / "cookbooks", nlive=nlive(default=100), seed=1
)

names = [f"gaussian_x1_identical_{i}" for i in range(3)]
folders = dataset_folders(names, "identical.py")


def graph_of(chosen):
    model = gf.Model(gf.ex.Gaussian)
    factors = []
    for folder in chosen:
        analysis = gf.ex.Analysis(
            data=gf.util.numpy_array_from_json(folder / "data.json"),
            noise_map=gf.util.numpy_array_from_json(folder / "noise_map.json"),
        )
        factors.append(gf.AnalysisFactor(model, analysis))
    return gf.FactorGraphModel(*factors)


def timed_fit(label, chosen):
    began = time.perf_counter()
    results = search.fit(graph_of(chosen), info={"instrument": "simulated"})
    seconds = time.perf_counter() - began
    print(f"{label}: {seconds:.2f} s, ln Z = {results.log_evidence:.6f}")
    return results


# Stop this fit with Ctrl-C and start the script again: it goes on where it was.
first = timed_fit("two datasets", folders[:2])
again = timed_fit("the same two, read back", folders[:2])
other = timed_fit("two others, their own run", folders[1:])

print(f"\nread back equals fresh: {again.log_evidence == first.log_evidence}")
print(f"other data, other answer: {other.log_evidence != first.log_evidence}\n")
compare(again.samples, truths(folders[0]))

print("\nThe folders of the runs:")
for run in sorted((OUTPUT / "cookbooks" / "resume").iterdir()):
    files = sorted(str(f.relative_to(run)) for f in run.rglob("*") if f.is_file())
    print(f"{run.relative_to(OUTPUT)}\n    " + "\n    ".join(files))
