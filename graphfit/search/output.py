"""What a named run leaves on disk, and how it is found again."""

import dataclasses
import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np

from graphfit import plot
from graphfit.compiler import Program
from graphfit.errors import ModelError, ResultError, SettingError
from graphfit.graph import FactorGraphModel
from graphfit.io.fingerprint import fingerprint
from graphfit.io.output_folder import OutputFolder, run_path
from graphfit.result import ResultList
from graphfit.samples import summary
from graphfit.seeding import fresh_seed
from graphfit.typing import FloatArray

# Settings that change what is shown or where it goes, but no number of the result.
COSMETIC = frozenset(
    {"name", "path_prefix", "unique_tag", "progress", "figures", "scheduler"}
)

MOST_FITS = 30  # figures of single datasets; each takes a third of a second


def run_identity(search: Any, graph: FactorGraphModel, start: FloatArray | None) -> str:
    """Return what identifies a run: model, sharing, data, likelihoods, settings.

    Parameters
    ----------
    search : Search
    graph : FactorGraphModel
    start : ndarray or None
    """
    chosen = {
        item.name: getattr(search, item.name)
        for item in dataclasses.fields(search)
        if item.name not in COSMETIC
    }
    # The keys lead an error to the attribute that cannot be compared.
    analyses = {f"factors.{k}": factor.analysis for k, factor in graph.factors.items()}
    content = [type(search).__name__, chosen, graph.global_prior_model, analyses, start]
    return fingerprint(content)


def open_folder(
    search: Any, graph: FactorGraphModel, start: FloatArray | None
) -> OutputFolder | None:
    """Return the folder of a named run, or None for a run that writes nothing."""
    if search.name is None and search.path_prefix is None:
        return None
    identity = run_identity(search, graph, start)
    path = run_path(
        str(search.path_prefix or ""),
        search.name or "",
        search.unique_tag or "",
        identity,
    )
    facts = {
        "seed": fresh_seed() if search.seed is None else search.seed,
        "search": type(search).__name__,
        "settings": described(search),
        "python": platform.python_version(),
        "versions": {
            name: version(name) for name in ("graphfit", "numpy", "scipy", "dynesty")
        },
    }
    return OutputFolder(path, identity, facts)


def described(search: Any) -> dict[str, Any]:
    """Return a search's settings as plain data."""
    content = {}
    for item in dataclasses.fields(search):
        value = getattr(search, item.name)
        plain = value is None or isinstance(value, (bool, int, float, str))
        content[item.name] = value if plain else str(value)
    return content


def require_plain(info: Any) -> None:
    """Refuse, before any work, what cannot be kept with a run as JSON.

    Raises
    ------
    SettingError
        Saying why not.
    """
    if info is None:
        return
    try:
        json.dumps(dict(info))
    except (TypeError, ValueError) as error:
        msg = (
            f"info must be a mapping of plain data (text, numbers, lists, dictionaries): "
            f"{error}."
        )
        raise SettingError(msg) from None


def write_results(
    folder: OutputFolder,
    search: Any,
    program: Program,
    results: ResultList,
    seconds: float,
    info: Mapping[str, Any] | None,
) -> None:
    """Write everything a run leaves, the mark of completeness last."""
    graph_model: Any = results.model
    folder.write_text("model.info", graph_model.info)
    folder.write_text("model.results", results.info)
    folder.write_text(
        "search.summary", search_summary(search, results, seconds, folder)
    )
    folder.write_json(
        "search.json", {"type": type(search).__name__, **described(search)}
    )
    try:
        folder.write_json("model.json", graph_model.dict())
    except ModelError as error:
        # A lambda or a local class: the run is complete without its model by name.
        folder.write_json("model.json", {"type": "unwritable", "reason": str(error)})
    if info is not None:
        folder.write_json("info.json", dict(info))
    folder.write_json("samples_summary.json", samples_summary(results))
    folder.write_samples(results.record)
    for name, analysis in program.analyses.items():
        target = folder.analysis_folder(name)
        analysis.save_attributes(target)
        analysis.visualize(target, results.instance[name])
    if search.figures:
        write_figures(folder, program, results)
    folder.complete()


def write_figures(folder: OutputFolder, program: Program, results: ResultList) -> None:
    """Draw the graph, the marginals, and each dataset that can be drawn."""
    plot.graph(program.graph, path=folder.images / "graph.png")
    if results.record.kind != "optimum":
        plot.marginals(results, path=folder.images / "marginals.png")
    for name in results.names[:MOST_FITS]:
        try:
            plot.fit(results[name], path=folder.analysis_folder(name) / "fit.png")
        except ResultError:
            # The user's own kind of data: Analysis.visualize draws it.
            continue


def search_summary(
    search: Any, results: ResultList, seconds: float, folder: OutputFolder
) -> str:
    """Return the text of ``search.summary``."""
    record = results.record
    lines = [
        f"Search                        {type(search).__name__}",
        f"Identifier                    {folder.identity}",
        f"Seed                          {folder.facts['seed']}",
        f"Samples                       {len(record)}",
        f"Effective sample size         {summary.effective_sample_size(record):.0f}",
        f"Likelihood evaluations        {record.evaluations}",
        f"Seconds                       {seconds:.2f}",
        f"Evaluations a second          {record.evaluations / max(seconds, 1e-9):.0f}",
    ]
    return "\n".join(lines)


def samples_summary(results: ResultList) -> dict[str, Any]:
    """Return the content of ``samples_summary.json``."""
    record = results.record
    content: dict[str, Any] = {
        "kind": record.kind,
        "log_evidence": _finite(record.log_evidence),
        "log_evidence_error": _finite(record.log_evidence_error),
        "max_log_likelihood": float(record.log_likelihood[record.best]),
        "max_log_likelihood_values": _named(record.names, record.table[record.best]),
        "median_pdf": _named(record.names, summary.median(record)),
        "log_likelihoods": {r.name: r.log_likelihood for r in results.plain},
        "chi_squared": {r.name: _finite(r.chi_squared) for r in results.plain},
    }
    if record.kind != "optimum" or record.is_gaussian:
        for sigma in (1, 3):
            low, high = summary.interval(record, sigma)
            pairs = zip(record.names, low.tolist(), high.tolist(), strict=True)
            content[f"values_at_sigma_{sigma}"] = {n: [a, b] for n, a, b in pairs}
    return content


def _named(names: tuple[str, ...], values: FloatArray) -> dict[str, float]:
    return dict(zip(names, np.asarray(values).tolist(), strict=True))


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
