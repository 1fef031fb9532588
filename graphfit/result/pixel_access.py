"""PixelAccess: what a fresh cube fit can still say about single pixels."""

from collections.abc import Mapping
from typing import Any, Protocol

from graphfit.typing import BoolArray, FloatArray


class PixelAccess(Protocol):
    """The data and the model behind the maps.

    A result that was read back has maps only; one that was just fitted, or resumed from
    its store, has this as well.
    """

    def result_at(self, index: tuple[int, ...]) -> Any:
        """Return the full result of one pixel, as a fit of it alone would.

        Parameters
        ----------
        index : tuple of int
            One for each iterating axis, 0 or above.

        Returns
        -------
        Result or ResultList
        """
        ...

    def rerun(
        self, result: Any, where: BoolArray, changes: Mapping[str, Any], **how: Any
    ) -> Any:
        """Return a CubeResult in which some pixels were fitted again.

        Parameters
        ----------
        result : CubeResult
            Whose access this is.
        where : ndarray of bool, of the map's shape
            The pixels.
        changes : mapping
            Settings of the search.
        **how : object
            How the run goes: scheduler, n_workers, progress.
        """
        ...

    def refit(
        self,
        result: Any,
        where: BoolArray,
        priors: Mapping[Any, Any],
        search: Any,
        **how: Any,
    ) -> Any:
        """Return a CubeResult of some pixels, fitted with other priors.

        Parameters
        ----------
        result : CubeResult
            Whose access this is.
        where : ndarray of bool, of the map's shape
            The pixels.
        priors : mapping of Prior to Prior
            What takes the place of which.
        search : Search
        **how : object
            How the run goes: scheduler, n_workers, progress.
        """
        ...

    def model_cube(self, factor: str | None = None) -> Any:
        """Return the model at the maps' values, a lazy dask array like the data.

        Parameters
        ----------
        factor : str, optional
            Whose cube, where the graph has several.
        """
        ...

    def residual_cube(self, factor: str | None = None) -> Any:
        """Return data minus model, likewise."""
        ...

    def spectrum_at(
        self, index: tuple[int, ...], factor: str | None = None
    ) -> tuple[FloatArray, FloatArray, FloatArray | None, FloatArray]:
        """Return x, data, noise (None without one) and model of one pixel, each (N,).

        Points that were left out of the fit are NaN in the data; x may be (inputs, N).
        """
        ...
