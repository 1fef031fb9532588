import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import graphfit as gf
from graphfit.cli.application import ReportedErrors, application, main


@pytest.fixture
def run():
    runner = CliRunner()
    return lambda *arguments: runner.invoke(application, arguments)


def test_the_version(run):
    outcome = run("--version")
    assert outcome.output == f"graphfit, version {gf.__version__}\n"
    assert outcome.exit_code == 0


def test_the_help_names_the_commands(run):
    outcome = run("-h")
    assert outcome.exit_code == 0
    assert "demo" in outcome.output
    assert "new" in outcome.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("dmo",), "No such command 'dmo'"),
        (("demo", "--sed", "1"), "No such option '--sed'. Did you mean '--seed'?"),
        (("demo", "--seed", "-1"), "-1 is not in the range x>=0"),
        (("demo", "--seed", "one"), "'one' is not a valid integer"),
        (("demo", "--nlive", "5"), "5 is not in the range x>=100"),
        (("demo", "extra"), "unexpected extra argument"),
        (("new",), "Missing argument 'DIR'"),
    ],
)
def test_what_is_wrongly_asked_is_a_usage_error(run, arguments, message):
    outcome = run(*arguments)
    assert outcome.exit_code == 2
    assert message in outcome.stderr
    assert not outcome.stdout


def test_errors_are_one_line_and_exit_code_1():
    @click.command()
    def fail():
        msg = "Factor '0': it failed\n  at a = 1\n  Do this."
        raise gf.GraphfitError(msg)

    group = ReportedErrors(commands={"fail": fail})
    outcome = CliRunner().invoke(group, ["fail"])
    assert outcome.exit_code == 1
    assert outcome.stderr == "Error: Factor '0': it failed at a = 1 Do this.\n"


def test_bugs_are_not_hidden():
    @click.command()
    def fail():
        raise KeyError("a bug")

    outcome = CliRunner().invoke(ReportedErrors(commands={"fail": fail}), ["fail"])
    assert isinstance(outcome.exception, KeyError)


def test_main_is_the_entry_point(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["anything", "--version"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("graphfit, version")


def test_the_installed_command():
    command = Path(sys.executable).parent / "graphfit"
    if not command.exists():
        pytest.skip("graphfit is not installed in this environment")
    run = subprocess.run(
        [command, "demo", "--nlive", "1"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 2
    assert "Traceback" not in run.stderr
