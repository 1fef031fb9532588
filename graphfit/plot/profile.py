"""One 1D profile against its positions, as the examples' scripts call it."""

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graphfit.errors import DataError
from graphfit.plot.style import INK, house_style, new_figure, saved
from graphfit.typing import ArrayLike

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_profile_1d(  # noqa: PLR0913 - the call that users' scripts make
    xvalues: ArrayLike,
    profile_1d: ArrayLike,
    title: str | None = None,
    ylabel: str | None = None,
    errors: ArrayLike | None = None,
    color: str = "k",
    output_path: str | PathLike[str] | None = None,
    output_filename: str | None = None,
    *,
    xlabel: str = "x",
) -> "Figure":
    """Draw a 1D profile: shown where there is a screen, saved where a name is given.

    Parameters
    ----------
    xvalues : array-like, shape (N,)
        The positions.
    profile_1d : array-like, shape (N,)
        The values there.
    title, ylabel, xlabel : str, optional
        What to write above and beside.
    errors : array-like, shape (N,), optional
        The standard deviations, drawn as bars.
    color : str
        Any colour that matplotlib knows.
    output_path : str or path, optional
        The folder to save in; made if need be.  The current one if only
        `output_filename` is given.
    output_filename : str, optional
        The file's name, without or with its suffix.  Without it the figure is shown, if
        matplotlib's backend can show; otherwise it is only returned.

    Returns
    -------
    Figure
        matplotlib's.

    Raises
    ------
    DataError
        If the lengths differ.
    OutputError
        If the file cannot be written.

    Examples
    --------
    >>> figure = plot_profile_1d([0, 1, 2], [0.0, 1.0, 0.0], ylabel="flux")
    >>> figure.axes[0].get_ylabel()
    'flux'
    """
    x, y = np.asarray(xvalues), np.asarray(profile_1d)
    bars = None if errors is None else np.asarray(errors)
    for name, array in (("profile_1d", y), ("errors", bars)):
        if array is not None and (array.ndim != 1 or array.shape != x.shape):
            msg = (
                f"plot_profile_1d: {name} has shape {array.shape}, xvalues have shape "
                f"{x.shape}; both must be (N,)."
            )
            raise DataError(msg)
    on_screen = output_filename is None and output_path is None and _can_show()
    with house_style():
        if on_screen:
            # The one place that uses pyplot: only it can open a window.
            import matplotlib.pyplot as plt

            figure = plt.figure(figsize=(5.0, 3.2), layout="constrained")
        else:
            figure = new_figure(5.0, 3.2, layout="constrained")
        axes = figure.subplots()
        _draw(axes, x, y, bars, color)
        axes.set(title=title or "", xlabel=xlabel, ylabel=ylabel or "")
        if on_screen:
            plt.show()
            plt.close(figure)
            return figure
        if output_filename is None and output_path is None:
            return figure
        return saved(
            figure, Path(output_path or ".") / (output_filename or "profile_1d")
        )


def _draw(
    axes: "Axes", x: ArrayLike, y: ArrayLike, bars: ArrayLike | None, color: str
) -> None:
    if bars is None:
        axes.plot(x, y, color=color, lw=1.2)
    else:
        style: dict[str, Any] = {"ecolor": INK, "elinewidth": 0.7, "capsize": 1.5}
        axes.errorbar(x, y, yerr=bars, color=color, lw=1.2, **style)


def _can_show() -> bool:
    """Say whether matplotlib's current backend shows figures somewhere."""
    import matplotlib as mpl
    from matplotlib.backends.registry import BackendFilter, backend_registry

    registry: Any = backend_registry  # which ships no types
    silent = registry.list_builtin(BackendFilter.NON_INTERACTIVE)
    # Without a display matplotlib settles on Agg, also where none has been chosen yet.
    return str(mpl.get_backend()).lower() not in silent
