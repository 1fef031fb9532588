"""What a search is called in a cell, and how loud it is there."""

import dataclasses

import numpy as np

from graphfit.search.grid.workplace import Workplace
from graphfit.search.search import Search


def is_named(search: Search) -> bool:
    """Say whether a search writes its runs to disk."""
    return search.name is not None or search.path_prefix is not None


def cell_name(search: Search, number: int, shape: tuple[int, ...]) -> str:
    """Return the name of a cell's run, ``<name>_cell_<position>``.

    Parameters
    ----------
    search : Search
    number : int
        The cell, the last axis fastest.
    shape : tuple of int
        Of the grid.

    Examples
    --------
    >>> import graphfit as gf
    >>> cell_name(gf.LBFGS(name="lines"), 5, (2, 3))
    'lines_cell_1_2'
    """
    prefix = "" if search.name is None else f"{search.name}_"
    where = np.unravel_index(number, shape)
    return f"{prefix}cell_{'_'.join(str(i) for i in where)}"


def quiet_if_parallel(search: Search, place: Workplace) -> Search:
    """Return the search without its progress bar where bars would write over one another.

    Parameters
    ----------
    search : Search
    place : Workplace
    """
    if search.progress is None and not place.is_serial:
        return dataclasses.replace(search, progress=False)
    return search
