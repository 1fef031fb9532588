import pytest
from click.testing import CliRunner

from graphfit.cli import new
from graphfit.cli.application import application
from graphfit.errors import OutputError


def run(folder):
    return CliRunner().invoke(application, ["new", str(folder)])


@pytest.fixture
def source(tmp_path):
    """A workspace in which scripts have run."""
    folder = tmp_path / "source"
    for name in (
        "README.md",
        "scripts/one.py",
        "scripts/__pycache__/one.pyc",
        "dataset/.gitkeep",
        "dataset/line/data.json",
        "output/one/result.txt",
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def test_the_workspace_of_this_installation_is_copied(tmp_path):
    outcome = run(tmp_path / "mine")
    assert outcome.exit_code == 0, outcome.output
    assert (tmp_path / "mine" / "README.md").is_file()
    assert list((tmp_path / "mine" / "scripts").glob("*.py"))
    assert list((tmp_path / "mine" / "simulators").glob("*.py"))
    assert str(tmp_path / "mine" / "README.md") in outcome.output


def test_what_scripts_made_is_left_out(source, tmp_path):
    count = new.copy_workspace(source, tmp_path / "mine")
    copied = {
        str(path.relative_to(tmp_path / "mine"))
        for path in (tmp_path / "mine").rglob("*")
        if path.is_file()
    }
    assert copied == {"README.md", "scripts/one.py", "dataset/.gitkeep"}
    assert count == 3


def test_an_empty_folder_will_do(source, tmp_path):
    (tmp_path / "mine").mkdir()
    assert new.copy_workspace(source, tmp_path / "mine") == 3


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    outcome = run(tmp_path / "mine")
    assert outcome.exit_code == 1
    assert "exists already and is not empty" in outcome.stderr
    assert outcome.stderr.count("\n") == 1
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_a_file_of_that_name_is_refused(source, tmp_path):
    (tmp_path / "mine").write_text("")
    with pytest.raises(OutputError, match="exists already"):
        new.copy_workspace(source, tmp_path / "mine")


def test_a_place_that_cannot_be_written_is_an_error(source, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Cannot copy the workspace"):
        new.copy_workspace(source, tmp_path / "file" / "mine")


def test_an_installation_without_workspace_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(new, "__file__", str(tmp_path / "graphfit" / "cli" / "new.py"))
    with pytest.raises(OutputError, match="without the workspace"):
        new.workspace_source()


def test_an_installed_package_brings_its_own(tmp_path, monkeypatch):
    inside = tmp_path / "graphfit" / "cli" / "workspace"
    inside.mkdir(parents=True)
    (inside / "README.md").write_text("")
    monkeypatch.setattr(new, "__file__", str(tmp_path / "graphfit" / "cli" / "new.py"))
    assert new.workspace_source() == inside
