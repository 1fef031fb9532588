"""What all cookbooks use: their folders, the datasets, and how they report."""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

WORKSPACE = Path(__file__).resolve().parent.parent
OUTPUT = WORKSPACE / "output"


def nlive(default: int) -> int:
    """Return the number of live points: --nlive on the command line, or `default`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--nlive", type=int, default=default, help="live points")
    return parser.parse_args().nlive


def dataset_folders(names: Sequence[str], simulator: str) -> list[Path]:
    """Return the folders of datasets; the simulator makes them if one is missing."""
    folders = [WORKSPACE / "dataset" / "example_1d" / name for name in names]
    if not all((folder / "truth.json").exists() for folder in folders):
        script = WORKSPACE / "simulators" / simulator
        subprocess.run([sys.executable, str(script)], check=True)
    return folders


def truths(folder: Path) -> dict[str, float]:
    """Return the values that a dataset was made from."""
    return json.loads((folder / "truth.json").read_text())


def figure_path(name: str) -> Path:
    """Return where a figure goes, below output/."""
    folder = OUTPUT / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


def compare(samples, expected: Mapping[str, float]) -> None:
    """Print each parameter with its errors beside the value it was made from."""
    names = samples.parameter_names
    medians = samples.median_pdf(as_instance=False)
    errors = samples.errors_at_sigma(1.0, as_instance=False)
    for name, median, (minus, plus) in zip(names, medians, errors, strict=True):
        line = f"{name:<28}{median:10.4f}  -{minus:.4f}  +{plus:.4f}"
        print(f"{line}   truth {expected[name]:g}" if name in expected else line)
