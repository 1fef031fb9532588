"""``graphfit demo``: simulate, fit in three ways, compare, draw."""

import time
from pathlib import Path

import click

import graphfit as gf
from graphfit.cli.demo_data import Truth, simulate
from graphfit.cli.demo_figures import draw
from graphfit.cli.demo_models import WAYS
from graphfit.cli.demo_report import comparison, fit_report, introduction, verdict
from graphfit.errors import OutputError


@click.command()
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("graphfit_demo"),
    show_default=True,
    metavar="DIR",
    help="Where to write the figures.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Of the noise and of the search; the same seed gives the same numbers.",
)
@click.option(
    "--nlive",
    type=click.IntRange(min=100),
    default=200,
    show_default=True,
    help="Live points of the nested sampler: more are slower and more exact; fewer than "
    "100 would bias the evidence of seven parameters.",
)
@click.option("--no-figures", is_flag=True, help="Write no figures, and no folder.")
def demo(output: Path, seed: int, nlive: int, no_figures: bool) -> None:
    """Simulate three datasets, fit them jointly in three ways, compare.

    The datasets are repeat observations of one Gaussian line whose width grows from one
    to the next.  Shown are the parameters with their errors beside the truth, and which of
    the three models the data prefer.
    """
    began = time.perf_counter()
    if not no_figures:
        _make(output)
    truth = Truth()
    datasets = simulate(truth, seed)
    click.echo(introduction(truth, datasets, seed))
    search = gf.DynestyStatic(nlive=nlive, seed=seed)
    graphs = {way.name: way.graph(datasets) for way in WAYS}
    fits = {}
    for way in WAYS:
        start = time.perf_counter()
        fits[way.name] = search.fit(graphs[way.name])
        seconds = time.perf_counter() - start
        click.echo(fit_report(way, fits[way.name], way.expected(truth), seconds))
    click.echo(comparison(fits))
    click.echo(verdict(fits))
    if not no_figures:
        start = time.perf_counter()
        paths = draw(fits, graphs, truth, output)
        seconds = time.perf_counter() - start
        click.echo(f"\nFigures in {output}/ ({seconds:.1f} s)")
        for path, content in paths.items():
            click.echo(f"  {path.name:<28}{content}")
    click.echo(f"\nRun time {time.perf_counter() - began:.1f} s")


def _make(folder: Path) -> None:
    """Make the folder before the fits: what cannot be written fails at once."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = (
            f"Cannot make the folder {folder}: {error.strerror or error}; choose another "
            "with --output DIR, or use --no-figures."
        )
        raise OutputError(msg) from error
