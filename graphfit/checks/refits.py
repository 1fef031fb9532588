"""Fits of some of a graph's datasets, by one search, each made once."""

import dataclasses
from collections.abc import Sequence
from typing import Any, final

from graphfit.errors import GraphError, SettingError, close_match
from graphfit.graph import FactorGraphModel
from graphfit.result import ResultList
from graphfit.seeding import child_seed


@final
class Refits:
    """The fits of subsets of a graph's datasets, which are remembered.

    Each subset has a seed of its own, made from the search's, so that errors of different
    fits are independent; and a folder of its own where the search has a name.

    Parameters
    ----------
    graph : FactorGraphModel
        The whole.
    search : Search
    whole : ResultList, optional
        The fit of the whole, where there is one already.
    """

    __slots__ = ("_done", "graph", "search")

    def __init__(
        self, graph: FactorGraphModel, search: Any, whole: ResultList | None = None
    ) -> None:
        self.graph = graph
        self.search = search
        self._done: dict[tuple[str, ...], ResultList] = {}
        if whole is not None:
            self._done[tuple(graph.factors)] = whole

    def fit(self, keys: Sequence[str]) -> ResultList:
        """Return the joint fit of the datasets that are named, in the graph's order."""
        every = list(self.graph.factors)
        chosen = tuple(key for key in every if key in set(keys))
        if chosen not in self._done:
            whole = len(chosen) == len(every)
            part = self.graph if whole else self.graph.part(chosen)
            self._done[chosen] = self._own(chosen, every).fit(part)
        return self._done[chosen]

    def _own(self, chosen: tuple[str, ...], every: list[str]) -> Any:
        if len(chosen) == len(every):
            return self.search
        changes: dict[str, Any] = {}
        if self.search.seed is not None:
            inside = [int(key in chosen) for key in every]
            changes["seed"] = child_seed(self.search.seed, *inside)
        if self.search.name is not None:
            left_out = [key for key in every if key not in chosen]
            what, names = (
                ("only", chosen) if len(chosen) == 1 else ("without", left_out)
            )
            changes["name"] = f"{self.search.name}_{what}_{'_'.join(names)}"
        return dataclasses.replace(self.search, **changes)


def require_search(search: Any, who: str) -> None:
    """Refuse what is no search.

    Raises
    ------
    SettingError
    """
    if not callable(getattr(search, "fit", None)) or isinstance(search, type):
        msg = (
            f"{who}: search must be a search such as gf.NestedSampler(seed=1), got "
            f"{search!r}."
        )
        raise SettingError(msg)


def graph_of(fit: Any, who: str) -> tuple[FactorGraphModel, ResultList | None]:
    """Return the graph of several datasets, and its fit if that is what was given.

    Raises
    ------
    GraphError
        For anything else than a graph or a joint fit, and for a single dataset.
    """
    if isinstance(fit, FactorGraphModel):
        graph, results = fit, None
    elif isinstance(fit, ResultList):
        graph, results = fit.graph, fit
    else:
        msg = (
            f"{who} is about the datasets of a joint fit: give a FactorGraphModel, or the "
            f"ResultList that search.fit(graph) returned, got {type(fit).__name__}."
        )
        raise GraphError(msg)
    if len(graph) < 2:
        msg = (
            f"{who} compares datasets with one another, and this graph has one. "
            "gf.posterior_predictive checks a single dataset."
        )
        raise GraphError(msg)
    return graph, results


def dataset_keys(graph: FactorGraphModel, given: Any, who: str) -> tuple[str, ...]:
    """Return names of datasets that are given by name or position.

    Raises
    ------
    GraphError
        For a name that the graph does not have, and for none at all.
    """
    every = list(graph.factors)
    names = [given] if isinstance(given, (str, int)) else list(given)
    found = []
    for name in names:
        key = name
        if isinstance(name, int) and not isinstance(name, bool):
            key = every[name] if -len(every) <= name < len(every) else str(name)
        if key not in graph.factors:
            msg = f"{who}: the graph has no dataset {name!r}.{close_match(str(key), every)}"
            raise GraphError(msg)
        found.append(key)
    if not found:
        msg = f"{who}: a group of datasets is empty; name at least one of {every}."
        raise GraphError(msg)
    return tuple(key for key in every if key in found)
