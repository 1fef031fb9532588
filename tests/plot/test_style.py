import subprocess
import sys

import matplotlib as mpl
import pytest

from graphfit.errors import OutputError
from graphfit.plot.style import house_style, new_figure, saved

SIGNATURE = b"\x89PNG"


@pytest.fixture
def figure():
    return new_figure(1.0, 1.0, layout=None)


def test_nothing_is_written_without_a_path(figure, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert saved(figure, None) is figure
    assert not list(tmp_path.iterdir())


def test_a_name_without_suffix_is_a_png(figure, tmp_path):
    saved(figure, tmp_path / "new" / "folder" / "picture")
    written = tmp_path / "new" / "folder" / "picture.png"
    assert written.read_bytes()[:4] == SIGNATURE


def test_a_dot_in_a_name_is_kept(figure, tmp_path):
    saved(figure, tmp_path / "picture.v2.png")
    assert (tmp_path / "picture.v2.png").exists()


@pytest.mark.parametrize("suffix", ["pdf", "svg", "PNG"])
def test_the_suffix_picks_the_format(figure, tmp_path, suffix):
    saved(figure, str(tmp_path / f"picture.{suffix}"))
    assert (tmp_path / f"picture.{suffix}").stat().st_size > 0


def test_an_unknown_suffix_is_refused(figure, tmp_path):
    with pytest.raises(OutputError, match=r"'picture\.doc'.*one of .*pdf.*png"):
        saved(figure, tmp_path / "picture.doc")


def test_a_folder_that_cannot_be_made_is_an_error(figure, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Cannot write the figure"):
        saved(figure, tmp_path / "file" / "picture.png")


def test_the_users_settings_are_left_alone():
    before = dict(mpl.rcParams)
    with house_style():
        assert mpl.rcParams["font.size"] == 9.0
    assert dict(mpl.rcParams) == before


WITHOUT_WINDOWS = """
import sys
import numpy as np
import graphfit as gf
assert "matplotlib" not in sys.modules
analysis = gf.ex.Analysis(np.ones(20), np.ones(20))
result = gf.DynestyStatic(nlive=20, maxiter=30, seed=1).fit(
    gf.FactorGraphModel(gf.AnalysisFactor(gf.ex.Gaussian, analysis))
)
gf.plot.graph(gf.Model(gf.ex.Gaussian))
gf.plot.fit(result[0])
gf.plot.fits(result)
gf.plot.marginals(result)
gf.plot.evidences({"one": result})
assert "matplotlib" in sys.modules
print("pyplot" if "matplotlib.pyplot" in sys.modules else "no pyplot")
"""


def test_figures_are_made_without_pyplot():
    """Nor is matplotlib loaded before the first figure."""
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_WINDOWS],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.strip() == "no pyplot", run.stderr
