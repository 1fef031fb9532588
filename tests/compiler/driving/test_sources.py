"""What a module is made of: every file that counts; no reading of what did not change."""

import os
import time

import pytest

from graphfit.compiler.driving import sources as sources_file
from graphfit.compiler.driving.sources import sources_of


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A folder in place of graphfit's own, and no caches but of this test."""
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    (tmp_path / "home").mkdir(mode=0o700)
    folder = tmp_path / "package"
    folder.mkdir()
    monkeypatch.setattr(sources_file, "_PACKAGE", folder)
    return folder


@pytest.fixture
def reads(monkeypatch):
    """Paths whose sources were read, in order."""
    paths = []
    read = sources_file._read

    def noted(path):
        paths.append(path.name)
        return read(path)

    monkeypatch.setattr(sources_file, "_read", noted)
    return paths


@pytest.fixture
def later(monkeypatch):
    """All files are older than a tick of any clock."""
    monkeypatch.setattr(sources_file, "_TICK", -3600.0)


@pytest.mark.parametrize(
    "statement",
    [
        "import graphfit.one",
        "import graphfit.one as short",
        "from graphfit.one import name",
        "    from graphfit.one import name",
        "from graphfit import one",
        "from graphfit import other, one as short",
        "from graphfit import (\n    other,\n    one,\n)",
        "from graphfit.two import name",
        "from graphfit.room import name",
    ],
)
def test_an_import_is_followed(package, statement):
    (package / "one.py").write_text("A = 1")
    (package / "two.py").write_text("from graphfit.one import A")
    (package / "room").mkdir()
    (package / "room" / "__init__.py").write_text("from graphfit.two import A")
    path = package / "start.py"
    path.write_text(statement)
    before = sources_of(path)
    (package / "one.py").write_text("A = 2")
    after = sources_of(path)
    assert after.digest != before.digest
    assert after.changed >= before.changed


def test_other_files_do_not_matter(package):
    path = package / "start.py"
    path.write_text("import numpy\nfrom graphfit.missing import name\n")
    before = sources_of(path)
    (package / "one.py").write_text("A = 2")
    assert sources_of(path) == before
    assert sources_of(package / "nothing.py") is None


@pytest.mark.usefixtures("later")
def test_files_that_did_not_change_are_read_once(package, reads):
    path = package / "start.py"
    path.write_text("from graphfit.one import name\n")
    (package / "one.py").write_text("A = 1")
    first = sources_of(path)
    assert sources_of(path) == first
    assert reads == ["start.py"]


def write_again(package):
    (package / "one.py").write_text("A = 2")


def write_again_with_the_old_time(package):
    status = (package / "one.py").stat()
    (package / "one.py").write_text("A = 2")
    os.utime(package / "one.py", ns=(status.st_atime_ns, status.st_mtime_ns))


def replace_with_the_old_time(package):
    status = (package / "one.py").stat()
    (package / "other").write_text("A = 2")
    os.utime(package / "other", ns=(status.st_atime_ns, status.st_mtime_ns))
    os.replace(package / "other", package / "one.py")


def add_a_module_that_was_missing(package):
    (package / "missing.py").write_text("A = 2")


def turn_a_module_into_a_folder(package):
    (package / "one.py").unlink()
    (package / "one").mkdir()
    (package / "one" / "__init__.py").write_text("A = 2")


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize(
    "edit",
    [
        write_again,
        write_again_with_the_old_time,
        replace_with_the_old_time,
        add_a_module_that_was_missing,
        turn_a_module_into_a_folder,
    ],
)
def test_what_is_kept_is_never_old(package, reads, edit):
    path = package / "start.py"
    path.write_text("from graphfit import one, missing\n")
    (package / "one.py").write_text("A = 1")
    before = sources_of(path)
    time.sleep(0.05)  # some ticks of the clock
    edit(package)
    after = sources_of(path)
    assert after.digest != before.digest
    assert len(reads) == 2


def test_a_file_that_was_just_written_is_read_each_time(package, reads):
    """A second change within one tick of the clock would have the same time."""
    path = package / "start.py"
    path.write_text("A = 1")
    before = sources_of(path)
    path.write_text("A = 2")
    assert sources_of(path).digest != before.digest
    assert len(reads) == 2
    assert not list((package.parent / "home").rglob("sources/*"))


@pytest.mark.usefixtures("later")
def test_an_edit_while_the_files_are_read_is_not_kept(package, monkeypatch):
    path = package / "start.py"
    path.write_text("A = 1")
    read = sources_file._read

    def edited(path):
        found = read(path)
        path.write_text("A = 22")
        return found

    monkeypatch.setattr(sources_file, "_read", edited)
    before = sources_of(path)
    monkeypatch.setattr(sources_file, "_read", read)
    assert sources_of(path).digest != before.digest


@pytest.mark.usefixtures("later")
def test_a_folder_that_is_a_link_is_read_each_time(package, reads):
    (package / "room").mkdir()
    try:
        (package / "circle").symlink_to(package, target_is_directory=True)
    except OSError:
        pytest.skip("no symbolic links here")
    path = package / "start.py"
    path.write_text("A = 1")
    assert sources_of(path) == sources_of(path)
    assert len(reads) == 2


@pytest.mark.usefixtures("later")
def test_a_damaged_record_is_read_anew(package, reads):
    path = package / "start.py"
    path.write_text("A = 1")
    before = sources_of(path)
    (kept,) = (package.parent / "home").rglob("sources/*")
    kept.write_bytes(kept.read_bytes()[:-3])
    assert sources_of(path) == before
    assert len(reads) == 2
