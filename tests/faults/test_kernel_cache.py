"""A broken cache of kernels costs time, never an answer."""

import ctypes
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from graphfit.compiler import cache as cache_file
from graphfit.compiler.cache import (
    FileCache,
    cache_folder,
    drop_oldest,
    is_private_folder,
    make_private_folder,
)
from graphfit.compiler.machine import Machine

ROOT = Path(__file__).resolve().parents[2]
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="owners and modes of POSIX")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the convention of Linux")
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
KEY = "0f" * 32

TEXT = "define double @twice(double %x) { %y = fadd double %x, %x ret double %y }"


def twice(files: FileCache, x: float) -> float:
    """Twice x, by a machine that knows nothing yet but what is on disk."""
    machine = Machine(files)
    address = machine.module(TEXT, ("twice",)).address("twice")
    return ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(address)(x)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def files(tmp_path) -> FileCache:
    return FileCache(tmp_path / "kernels")


@pytest.fixture
def kept(files) -> Path:
    """The one file of a cache in use."""
    assert twice(files, 4.0) == 8.0
    (path,) = files.folder.iterdir()
    return path


# --- files ----------------------------------------------------------------------------


def test_what_was_stored_comes_back(files):
    assert files.load(KEY) is None
    for payload in (b"", b"code", os.urandom(100_000)):
        files.store(KEY, payload)
        assert files.load(KEY) == payload
    assert names(files.folder) == [KEY]
    assert files.load("00" * 32) is None


def flip(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


DAMAGE = {
    "empty": lambda content: b"",
    "half": lambda content: content[: len(content) // 2],
    "last byte lost": lambda content: content[:-1],
    "byte added": lambda content: content + b"\0",
    "magic": lambda content: flip(content, 0),
    "digest": lambda content: flip(content, len(cache_file.MAGIC)),
    "first byte of the code": lambda content: flip(content, len(cache_file.MAGIC) + 32),
    "last bit": lambda content: flip(content, len(content) - 1),
    "zeros": lambda content: bytes(len(content)),
    "garbage": lambda content: np.random.default_rng(1).bytes(len(content)),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_compiled_anew_and_mended(files, kept, damage):
    whole = kept.read_bytes()
    kept.write_bytes(damage(whole))
    assert files.load(kept.name) is None
    assert twice(files, 4.0) == 8.0
    assert kept.read_bytes() == whole


def test_any_flipped_bit_is_seen(files):
    files.store(KEY, b"machine code")
    path = files.folder / KEY
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(flip(whole, place))
        assert files.load(KEY) is None
    path.write_bytes(whole)
    assert files.load(KEY) == b"machine code"


def test_the_file_of_another_key_is_not_taken(files, kept):
    other = "ab" * 32
    files.store(other, b"\x0f\x0b" * 50)  # an illegal instruction
    shutil.copy(files.folder / other, kept)
    assert files.load(kept.name) is None
    assert twice(files, 4.0) == 8.0


def test_a_right_digest_of_wrong_code_is_compiled_anew(files, kept):
    files.store(kept.name, b"not an object file")
    assert twice(files, 4.0) == 8.0


@POSIX
@pytest.mark.parametrize("kind", ["folder", "dangling link", "link", "pipe"])
def test_what_is_no_file_is_left_alone(files, kept, kind, tmp_path):
    whole = kept.rename(tmp_path / "whole")
    if kind == "folder":
        kept.mkdir()
    elif kind == "pipe":
        os.mkfifo(kept)  # opening it would wait for ever
    else:
        kept.symlink_to(whole if kind == "link" else tmp_path / "nothing")
    assert files.load(kept.name) is None
    assert twice(files, 4.0) == 8.0


@POSIX
def test_a_file_that_others_may_write_is_not_run(files, kept):
    kept.chmod(0o622)
    assert files.load(kept.name) is None
    assert twice(files, 4.0) == 8.0


@POSIX
@pytest.mark.skipif(not IS_ROOT, reason="only root can give a file away")
def test_a_file_of_another_user_is_not_run(files, kept):
    os.chown(kept, 12345, -1)
    assert files.load(kept.name) is None
    assert twice(files, 4.0) == 8.0


@POSIX
@pytest.mark.skipif(IS_ROOT, reason="root reads everything")
def test_an_unreadable_file_is_compiled_anew(files, kept):
    kept.chmod(0)
    assert twice(files, 4.0) == 8.0


# --- folders --------------------------------------------------------------------------


@POSIX
def test_the_folder_is_for_its_owner_only(files, kept):
    assert files.folder.stat().st_mode & 0o777 == 0o700
    assert kept.stat().st_mode & 0o777 == 0o600


@POSIX
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o755, 0o701])
def test_a_folder_open_to_others_is_not_used(files, kept, mode):
    files.folder.chmod(mode)
    before = kept.read_bytes()
    assert files.load(kept.name) is None
    files.store(KEY, b"code")
    assert twice(files, 4.0) == 8.0
    assert names(files.folder) == [kept.name]
    assert kept.read_bytes() == before
    files.folder.chmod(0o700)
    assert files.load(kept.name) is not None


@POSIX
@pytest.mark.skipif(not IS_ROOT, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_not_used(files, kept):
    os.chown(files.folder, 12345, -1)
    assert files.load(kept.name) is None
    files.store(KEY, b"code")
    assert twice(files, 4.0) == 8.0
    assert names(files.folder) == [kept.name]


@POSIX
@pytest.mark.skipif(not IS_ROOT, reason="only root can give a folder away")
def test_root_leaves_no_folder_in_the_home_of_another(tmp_path):
    os.chown(tmp_path, 12345, -1)
    files = FileCache(tmp_path / ".cache" / "graphfit" / "kernels")
    assert twice(files, 4.0) == 8.0
    assert names(tmp_path) == []


@pytest.mark.parametrize("beneath", [".", "deeper/still"])
def test_a_file_in_the_place_of_the_folder(tmp_path, beneath):
    (tmp_path / "kernels").write_text("in the way")
    assert twice(FileCache(tmp_path / "kernels" / beneath), 4.0) == 8.0
    assert names(tmp_path) == ["kernels"]


@pytest.mark.parametrize(
    "place", ["/dev/null/kernels", "/proc/kernels", "/" + "x" * 300]
)
@LINUX
def test_a_place_where_nothing_can_be_made(place):
    assert not make_private_folder(Path(place))
    assert twice(FileCache(Path(place)), 4.0) == 8.0


@POSIX
@pytest.mark.skipif(IS_ROOT, reason="root writes everywhere")
def test_a_read_only_folder_is_read(files, kept):
    files.folder.chmod(0o500)
    files.store(KEY, b"code")
    assert files.load(kept.name) is not None
    assert names(files.folder) == [kept.name]
    files.folder.chmod(0o700)


@pytest.mark.parametrize("name", ["mkdir", "replace", "open"])
def test_a_disk_that_refuses(files, monkeypatch, name):
    def refuse(*_, **__):
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as broken:
        broken.setattr(os, name, refuse)
        assert twice(files, 4.0) == 8.0
    if files.folder.exists():
        assert names(files.folder) == []


FULL_DISK = """
import resource, sys
from pathlib import Path
from tests.faults.test_kernel_cache import FileCache, names, twice
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))  # bytes; no file can be longer
files = FileCache(Path(sys.argv[1]))
assert twice(files, 4.0) == 8.0
assert names(files.folder) == [], names(files.folder)
"""


@POSIX
def test_a_full_disk(tmp_path):
    subprocess.run(
        [sys.executable, "-B", "-c", FULL_DISK, str(tmp_path / "kernels")],
        cwd=ROOT,
        check=True,
    )


# --- where ----------------------------------------------------------------------------


@LINUX
@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/graphfit"),
        ({"XDG_CACHE_HOME": "", "HOME": "/h"}, "/h/.cache/graphfit"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, "/h/.cache/graphfit"),
        ({"HOME": "/h"}, "/h/.cache/graphfit"),
        ({"HOME": "relative"}, None),
    ],
)
def test_where_the_cache_is(monkeypatch, variables, folder):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == (folder if folder is None else Path(folder))


@LINUX
def test_no_home_at_all(monkeypatch):
    """As in a container that runs under a number that no user has."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda _: {}["no such user"])
    assert cache_folder() is None
    assert twice(FileCache(None), 4.0) == 8.0


FORKS = """
import ctypes, os, sys
from graphfit.compiler.machine import compile_module
from tests.faults.test_kernel_cache import TEXT

def compile_in(home):
    for name in ("HOME", "LOCALAPPDATA", "XDG_CACHE_HOME"):
        os.environ.pop(name, None)
        if home != "none" and name != "XDG_CACHE_HOME":
            os.environ[name] = home
    address = compile_module(TEXT, ["twice"]).address("twice")
    assert ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(address)(4.0) == 8.0

waiting, go = os.pipe()
children = []
for home in sys.argv[1:]:
    children.append(os.fork())
    if not children[-1]:
        os.close(go)
        os.read(waiting, 1)  # until all are there
        compile_in(home)
        os._exit(0)
os.close(go)
print(*(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""


def compile_at_once(homes: list[str]) -> list[int]:
    """Compile in forks of one new process, each with its home; return their exit codes."""
    run = [sys.executable, "-c", FORKS, *homes]
    done = subprocess.run(run, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return [int(code) for code in done.stdout.split()]


@LINUX
def test_processes_without_a_home():
    homes = ["/nowhere", "/dev/null", ""]
    if not IS_ROOT:  # it would use the cache of root
        homes.append("none")
    assert compile_at_once(homes) == [0] * len(homes)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the script forks its compilers")
def test_eight_processes_at_once(tmp_path):
    assert compile_at_once([str(tmp_path)] * 8) == [0] * 8
    found = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(found) == 1  # one kernel, no temporary file
    assert found[0].parent.name == "kernels"
    assert compile_at_once([str(tmp_path)]) == [0]
    assert FileCache(found[0].parent).load(found[0].name) is not None


# --- size -----------------------------------------------------------------------------


def aged(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_the_oldest_files_go(tmp_path):
    files = FileCache(tmp_path / "kernels", largest=4000)
    keys = [f"{k:064x}" for k in range(8)]
    for age, key in enumerate(reversed(keys)):
        files.store(key, bytes(500))
        aged(files.folder / key, 100.0 + age)
    assert sum(path.stat().st_size for path in files.folder.iterdir()) <= 4000
    files.store("ff" * 32, bytes(500))
    assert sum(path.stat().st_size for path in files.folder.iterdir()) <= 4000
    assert names(files.folder)[-1] == "ff" * 32  # the new one stays
    assert files.load("ff" * 32) == bytes(500)


def test_there_are_not_too_many_files(tmp_path):
    files = FileCache(tmp_path / "kernels", most=3)
    for k in range(6):
        files.store(f"{k:064x}", b"")
        aged(files.folder / f"{k:064x}", 100.0 - k)
    files.store(KEY, b"")
    assert names(files.folder) == [f"{4:064x}", f"{5:064x}", KEY]


def test_one_large_payload_does_not_empty_the_folder(tmp_path):
    files = FileCache(tmp_path / "kernels", largest=4000)
    files.store(KEY, b"small")
    files.store("ff" * 32, bytes(2000))
    assert names(files.folder) == [KEY]


def test_a_file_in_use_becomes_young_again(files):
    files.store(KEY, b"code")
    path = files.folder / KEY
    aged(path, 90_000.0)
    assert files.load(KEY) == b"code"
    assert time.time() - path.stat().st_mtime < 60.0


def test_what_a_killed_process_left_goes(files):
    files.store(KEY, b"code")
    for name, age in ((".old.tmp", 7200.0), (".new.tmp", 1.0)):
        (files.folder / name).write_bytes(b"half")
        aged(files.folder / name, age)
    (files.folder / "folder").mkdir()
    drop_oldest(files.folder, 1, 0)
    assert names(files.folder) == [".new.tmp", "folder"]
    drop_oldest(files.folder / "missing", 1, 0)


def test_a_missing_folder_is_not_private(tmp_path):
    assert not is_private_folder(tmp_path / "missing")
    assert make_private_folder(tmp_path / "missing")
    assert is_private_folder(tmp_path / "missing")
