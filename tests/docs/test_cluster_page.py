"""The job script of docs/how-to/run-on-a-cluster.md is what dask-jobqueue writes, and works.

There is no SLURM here.  The page's cluster is built without one, and its script compared
with the page; then an ``sbatch`` of our own runs such a script, and a cube is fitted on it.
"""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import graphfit as gf

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/run-on-a-cluster.md"
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.M)
LOCAL = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
SBATCH = """#!{shell}
cp "${{@: -1}}" "{folder}/job.sh"  # like the real one: the script may be removed now
PATH="{python}:$PATH" {shell} "{folder}/job.sh" >"{folder}/job.log" 2>&1 &
echo "Submitted batch job $!"
"""


def blocks(language: str) -> list[str]:
    """Return the page's blocks of a language."""
    return [
        text for found, text in FENCED.findall(PAGE.read_text()) if found == language
    ]


def made_cluster(**changes):
    """Return what the page's block makes, with some of its settings changed."""
    dask_jobqueue = pytest.importorskip(
        "dask_jobqueue", reason="the extra jobqueue (dask-jobqueue) is not installed"
    )
    (block,) = [text for text in blocks("python") if "SLURMCluster(" in text]
    namespace = {}
    usual = dask_jobqueue.SLURMCluster

    def make(**settings):
        settings |= {
            "scheduler_options": {"dashboard_address": "127.0.0.1:0"},
            **changes,
        }
        return usual(**settings)

    dask_jobqueue.SLURMCluster = make
    try:
        exec(compile(block, str(PAGE), "exec"), namespace)
    finally:
        dask_jobqueue.SLURMCluster = usual
    return namespace["cluster"]


@pytest.mark.slow
def test_the_page_shows_the_script_that_is_submitted(capsys):
    made_cluster().close()
    printed = re.sub(r"tcp://[^ ]+", "tcp://DRIVER:PORT", capsys.readouterr().out)
    shown = [text for text in blocks("sh") if "dask_worker" in text]
    assert [printed.rstrip()] == [text.rstrip() for text in shown]


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash to ask")
@pytest.mark.parametrize("script", blocks("sh"))
def test_scripts_are_shell(script):
    subprocess.run(["bash", "-n"], input=script, check=True, text=True)
    assert script.startswith("#!/usr/bin/env bash\n")
    options = [line for line in script.splitlines() if line.startswith("#SBATCH")]
    body = script.splitlines()[1:]
    assert (
        options == [line for line in body if line][: len(options)]
    )  # none is too late


@pytest.mark.slow
@pytest.mark.distributed
@pytest.mark.skipif(shutil.which("bash") is None, reason="job scripts need bash")
def test_a_job_is_a_worker(tmp_path, monkeypatch):
    facts = {
        "shell": shutil.which("bash"),
        "folder": tmp_path,
        "python": Path(sys.executable).parent,
    }
    for name, text in (("sbatch", SBATCH.format(**facts)), ("scancel", "#!/bin/sh\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    cluster = made_cluster(cores=1, processes=1, local_directory=tmp_path)
    try:
        cluster.scale(jobs=1)
        with cluster.get_client() as client:
            client.wait_for_workers(1, timeout=60)
            assert one_fit(client).counts() == {"converged": 6}
    finally:
        cluster.close()
    assert "dask_worker" in (tmp_path / "job.sh").read_text()


def one_fit(scheduler):
    v = np.linspace(-5.0, 5.0, 21)

    def line(v, height, centre):
        return height * np.exp(-0.5 * (v - centre) ** 2)

    cube = line(v[:, None, None], 3.0, np.linspace(-1.0, 1.0, 6).reshape(2, 3))
    return gf.fit_cube(
        gf.Model(line, height=gf.UniformPrior(0, 9), centre=gf.UniformPrior(-4, 4)),
        gf.LevenbergMarquardt(maximize="likelihood"),
        data=cube,
        noise=0.1,
        world=v,
        start={"centre": v[cube.argmax(axis=0)]},
        scheduler=scheduler,
    )
