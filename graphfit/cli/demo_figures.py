"""The demo's figures: each fit, each graph, the posterior, the evidences."""

from collections.abc import Mapping
from pathlib import Path

import graphfit as gf
from graphfit.cli.demo_data import Truth
from graphfit.cli.demo_models import WAYS


def draw(
    fits: Mapping[str, gf.ResultList],
    graphs: Mapping[str, gf.FactorGraphModel],
    truth: Truth,
    folder: Path,
) -> dict[Path, str]:
    """Write the figures and return their paths, each with what it shows.

    Parameters
    ----------
    fits, graphs : mapping from str
        What was found and what was fitted, by the name of the way.
    truth : Truth
        What is marked in the posterior.
    folder : Path
        Where to write.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    written = {}
    for way in WAYS:
        path = folder / f"fit_{way.name}.png"
        gf.plot.fits(fits[way.name], title=f"{way.name}: {way.meaning}", path=path)
        written[path] = "the data, the best model, the residuals"
    for way in WAYS:
        path = folder / f"graph_{way.name}.png"
        gf.plot.graph(graphs[way.name], title=way.name, path=path)
        written[path] = "which dataset has which parameters"
    best = max(WAYS, key=lambda way: fits[way.name].log_evidence)
    path = folder / f"posterior_{best.name}.png"
    names = fits[best.name].record.parameter_names
    expected = {k: v for k, v in best.expected(truth).items() if k in names}
    gf.plot.marginals(fits[best.name], truth=expected, path=path)
    written[path] = "the posterior of each parameter, and the truth"
    path = folder / "evidences.png"
    gf.plot.evidences(fits, path=path)
    written[path] = "the evidences of the three"
    return written
