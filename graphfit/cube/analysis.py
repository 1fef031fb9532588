"""CubeAnalysis: a cube in a factor graph; a fit takes it apart, pixel by pixel."""

import inspect
from typing import Any, Literal, NoReturn, final

from graphfit.analysis import Analysis
from graphfit.analysis.profile_input import require_settings
from graphfit.errors import DataError


@final
class CubeAnalysis(Analysis):
    """A cube of data, of which every pixel is a dataset.

    In a graph it stands where an analysis stands for one dataset;
    :func:`graphfit.fit_cube` fits the graph at every pixel.

    Parameters
    ----------
    data : array-like, NDData, SpectralCube, xarray.DataArray, dask or zarr array, or path
        The cube; paths are of FITS files and zarr folders.  It is read slice by slice.
        NaN is no data.
    noise : float, array-like, path, or "auto"
        Standard deviations in the unit that the fit works in, which is `unit` where it is
        given, else that of the data: one number, one a channel, one a pixel, one a voxel;
        those that have a unit are converted.  "auto" measures them at every pixel from the
        differences of neighbouring channels, see
        :func:`graphfit.cube.signal.noise_from_differences`.  By default the data's own
        uncertainty, where it has one.
    mask : array-like of bool or path, optional
        True leaves out: voxels (the shape of the data), channels, or whole pixels (the
        shape of the map).  In a FITS image, which has no booleans, what is not 0.
    world : array-like, tuple of them, or WCS, optional
        The independent variable: one array a fitting axis, along it or varying over the
        map.  By default from the data's WCS or coordinates, else pixel numbers.  Where one
        that varies is NaN, the point is left out.
    fitting_axes : int or tuple of int, optional
        The axes that one fit spans, in the order of the model's inputs; by default the
        spectral axis.
    unit, world_unit : unit or str, optional
        Units to work in; values that have other ones are converted.
    hdu : int or str, optional
        Of a FITS file; by default the first image.
    likelihood, jitter, degrees_of_freedom
        As for :class:`~graphfit.ProfileAnalysis`.
    analysis : class, optional
        An Analysis of your own, made for every pixel from its slices: it is called with
        those of ``x``, ``data``, ``noise_map``, ``mask`` that its arguments name.
    **extras
        Further arguments of that class.  Arrays with the map's or the cube's axes are
        sliced for the pixel, and must be plain numbers; everything else is passed as it is.

    Raises
    ------
    DataError
        For settings that do not exist or do not belong together.

    Examples
    --------
    >>> import numpy as np
    >>> analysis = CubeAnalysis(np.ones((5, 2, 3)), noise=0.1, fitting_axes=0)
    >>> analysis
    CubeAnalysis(data of shape (5, 2, 3))
    """

    def __init__(  # noqa: PLR0913  each is one thing a cube may have
        self,
        data: Any,
        noise: Any = None,
        *,
        mask: Any = None,
        world: Any = None,
        fitting_axes: int | tuple[int, ...] | None = None,
        unit: Any = None,
        world_unit: Any = None,
        hdu: Any = None,
        likelihood: Literal["gaussian", "student_t", "poisson"] = "gaussian",
        jitter: str | None = None,
        degrees_of_freedom: float | str | None = None,
        analysis: Any = None,
        **extras: Any,
    ) -> None:
        if analysis is None:
            settings_noise = noise
            if noise is None and likelihood != "poisson":
                settings_noise = "of the data"  # told when the data are read
            require_settings(
                likelihood, settings_noise, jitter, degrees_of_freedom, None
            )
            if extras:
                msg = (
                    f"gf.CubeAnalysis: unknown arguments {', '.join(extras)}; they would be "
                    "passed to analysis=, an Analysis class of your own, and there is none."
                )
                raise DataError(msg)
        elif not callable(analysis):
            msg = (
                "gf.CubeAnalysis: analysis must be a class (or function) that makes an "
                f"Analysis from a pixel's slices, got {analysis!r}."
            )
            raise DataError(msg)
        self.data = data
        self.noise = noise
        self.mask = mask
        self.world = world
        self.fitting_axes = fitting_axes
        self.unit = unit
        self.world_unit = world_unit
        self.hdu = hdu
        self.likelihood = likelihood
        self.jitter = jitter
        self.degrees_of_freedom = degrees_of_freedom
        self.analysis = analysis
        self.extras = extras
        if analysis is not None:
            self._require_arguments()

    def _require_arguments(self) -> None:
        """Refuse extras that the user's class does not take."""
        try:
            parameters = inspect.signature(self.analysis).parameters.values()
        except (TypeError, ValueError):  # a callable without a signature
            return
        if any(p.kind is p.VAR_KEYWORD for p in parameters):
            return
        known = [p.name for p in parameters]
        unknown = [name for name in self.extras if name not in known]
        if unknown:
            label = getattr(self.analysis, "__name__", repr(self.analysis))
            msg = (
                f"gf.CubeAnalysis: {label} takes no argument {unknown[0]!r}; it takes "
                f"{', '.join(known)}."
            )
            raise DataError(msg)

    def log_likelihood_function(self, instance: Any) -> NoReturn:
        """Raise DataError: a cube has a likelihood at each of its pixels."""
        del instance
        msg = (
            "A CubeAnalysis has a likelihood at every pixel, and none as a whole; fit the "
            "graph with gf.fit_cube(graph, search)."
        )
        raise DataError(msg)

    def __repr__(self) -> str:
        shape = getattr(self.data, "shape", None)
        what = repr(str(self.data)) if shape is None else f"data of shape {shape}"
        return f"CubeAnalysis({what})"
