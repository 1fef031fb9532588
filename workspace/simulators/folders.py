"""One noisy dataset as a folder of JSON files below dataset/example_1d/."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

import graphfit as gf

DATASETS = Path(__file__).resolve().parent.parent / "dataset" / "example_1d"
PIXELS = np.arange(100.0)


def write_folder(
    name: str, arrays: Mapping[str, np.ndarray], truth: Mapping[str, float]
) -> None:
    """Write each array as <its name>.json, and the values it was made from."""
    folder = DATASETS / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "truth.json").write_text(json.dumps(dict(truth), indent=2) + "\n")
    for key, array in arrays.items():
        gf.util.numpy_array_to_json(array, folder / f"{key}.json")
    print(f"made {name}")


def write_gaussian(name: str, truth: gf.ex.Gaussian, noise: float, seed: int) -> None:
    """Write a Gaussian profile with independent noise of one standard deviation."""
    rng = np.random.default_rng(seed)
    data = truth.model_data_from(PIXELS) + rng.normal(0.0, noise, PIXELS.size)
    arrays = {"data": data, "noise_map": np.full(PIXELS.size, noise)}
    values = {
        "centre": truth.centre,
        "normalization": truth.normalization,
        "sigma": truth.sigma,
    }
    write_folder(name, arrays, values)
