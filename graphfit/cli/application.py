"""The command ``graphfit`` and how it reports errors."""

from typing import Any

import click

import graphfit as gf
from graphfit.cli.demo import demo
from graphfit.cli.new import new


class ReportedErrors(click.Group):
    """A group of commands whose graphfit errors are one line and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that the user chose."""
        try:
            return super().invoke(ctx)
        except gf.GraphfitError as error:
            raise click.ClickException(" ".join(str(error).split())) from error


@click.group(
    cls=ReportedErrors, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(gf.__version__, prog_name="graphfit")
def application() -> None:
    """Bayesian model fitting of many datasets at once."""


application.add_command(demo)
application.add_command(new)


def main() -> None:
    """Run the command line."""
    application(prog_name="graphfit")
