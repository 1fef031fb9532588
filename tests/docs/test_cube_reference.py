"""The tables of docs/reference/cube.md and search.md are those of the code."""

import re
from pathlib import Path

import numpy as np
import pytest

import graphfit as gf
from graphfit.cube.fitting.map_table import Wanted, map_table
from graphfit.samples import Status

FOLDER = Path(__file__).resolve().parents[2] / "docs/reference"
PAGE = (FOLDER / "cube.md").read_text()


def rows(section: str) -> list[list[str]]:
    """Return the cells of the table under a heading."""
    text = PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[1:]]


def test_statuses():
    found = {int(code): (name, text) for code, name, text, _ in rows("Statuses")}
    assert found == {int(s): (f"`{s.name}`", s.sentence) for s in Status}


def test_statuses_of_the_page_on_searches():
    text = (FOLDER / "search.md").read_text()
    found = re.findall(r"^\| (\d+) \| `([A-Z_]+)` \|", text, re.MULTILINE)
    assert all(Status(int(code)).name == name for code, name in found)
    named = {name for _, name in found}
    assert {s.name for s in Status if s < Status.USER_ERROR} <= named


@pytest.mark.parametrize(
    ("posterior", "nested"), [(False, False), (True, False), (True, True)]
)
def test_maps(posterior, nested):
    specs = map_table(
        ["mean", "weak.amplitude"],
        [],
        posterior=posterior,
        nested=nested,
        wanted=Wanted(draws=5),
        factors=["strong", "weak"],
    )
    page = {
        name: row for row in rows("Maps") for name in re.findall(r"`([^`]+)`", row[0])
    }
    for spec in specs:
        row = page[
            re.sub("^weak.amplitude", "mean", spec.name).replace("strong", "weak")
        ]
        assert row[1].startswith(spec.dtype)
        assert tuple(re.findall(r"\w+_?", row[1].partition("+")[2])) == spec.axes
        fill = "NaN" if np.isnan(spec.fill) else str(spec.fill)
        assert row[2] == fill
        assert not row[3].endswith("samplers") or posterior
        assert "; `NestedSampler`" not in row[3] or nested
    if nested:  # then there are all that the page tells of
        known = {spec.name for spec in specs}
        told = {
            name
            for name, row in page.items()
            if "; `NestedSampler`" in row[3] or row[3].endswith("samplers")
        }
        assert told <= known


def test_every_public_name_of_cubes_is_on_a_page():
    pages = "".join(path.read_text() for path in FOLDER.glob("*.md"))
    for name in (
        "fit_cube",
        "CubeAnalysis",
        "CubeResult",
        "pixel_map",
        "FitInterrupted",
    ):
        assert hasattr(gf, name)
        assert re.search(rf"^   {name}$", pages, re.MULTILINE), name
    for name in gf.signal.__all__:
        assert re.search(rf"^   {name}$", pages, re.MULTILINE), name
    for name in gf.plot.__all__:
        assert re.search(rf"^   {name}$", pages, re.MULTILINE), name
