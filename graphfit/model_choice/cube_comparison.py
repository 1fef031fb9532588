"""CubeComparison: models of every pixel of a cube, weighed by their evidences."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, final

import numpy as np

from graphfit.errors import UnknownNameError, close_match
from graphfit.model_choice.comparison_maps import MODELS, Weighed, comparison_maps
from graphfit.model_choice.comparison_text import cube_model_table
from graphfit.model_choice.neighbours import PooledPrior
from graphfit.model_choice.probabilities import best_model, log_bayes_factors
from graphfit.result import CubeResult
from graphfit.result.cube_text import size_text
from graphfit.samples import MapSpec, PixelMaps
from graphfit.samples.map_grid import MapGrid
from graphfit.typing import AnyArray, FloatArray

if TYPE_CHECKING:
    import xarray as xr


@final
class CubeComparison:
    """Fits of K models at every pixel; made by :func:`graphfit.compare`.

    ``comparison["probability"]`` is a map of every model as an xarray DataArray, its last
    axis ``model``; ``comparison.maps`` holds all of them.

    ========================= ============================================================
    map                       what
    ========================= ============================================================
    log_evidence              ln Z, by model
    log_bayes_factor          ln Z less that of the first model
    log_bayes_factor_step     ln Z less that of the model before
    false_positive_bound      how often data of the first model reach that Bayes factor
    prior                     before the pixel's own data; with neighbours only
    probability               P(k | data), by model
    best_model                the label of the most probable one, a number; its place
                              from 0 where labels are words
    <parameter>               mean over the models that have it, where several do
    status                    the worst of the fits
    ========================= ============================================================

    The first three, `probability` and the parameters have standard errors, ``<name>_error``.
    Where one model has no evidence, no model has a probability.

    Parameters
    ----------
    results : mapping of label to CubeResult
    weighed : Weighed
        Evidences and the prior that the pixels are weighed with.
    prior, prior_covariance : ndarray, shape (K,) and (K, K)
        Fractions of the models over the map, and the covariance of their errors: zero for
        a prior that was given.
    source : str
        Where the prior is from, in words.
    neighbourhood : PooledPrior, optional
        Where neighbours have their say.

    Attributes
    ----------
    results, prior, neighbourhood : object
        As given.
    grid : MapGrid
    facts : dict
        Plain data, for files.

    Notes
    -----
    The errors of probabilities hold those of ln Z, and, unless neighbours are pooled, of
    the learned prior.  A parameter's mean and deviation take what its own map holds for
    the mean of each model: the median, for samplers.

    Examples
    --------
    >>> import graphfit as gf
    >>> def line(v, amplitude):
    ...     return amplitude * np.exp(-0.5 * v**2)
    >>> v = np.linspace(-6.0, 6.0, 31)
    >>> cube = np.random.default_rng(1).normal(0.0, 1.0, (31, 2, 3))
    >>> cube[:, 0] += line(v, 8.0)[:, None]
    >>> found = gf.fit_components(
    ...     gf.Model(line, amplitude=gf.GaussianPrior(0.0, 9.0)),
    ...     gf.LevenbergMarquardt(),
    ...     data=cube, noise=1.0, world=v, n_components=(0, 1),
    ... )
    >>> found
    CubeComparison(2 x 3 pixels (y, x), most probable: 0 at 3, 1 at 3)
    >>> found["probability"].sel(model=1).values.round(1)
    array([[1. , 1. , 1. ],
           [0.1, 0.1, 0.2]])
    """

    def __init__(
        self,
        results: Mapping[Any, CubeResult],
        weighed: Weighed,
        prior: tuple[FloatArray, FloatArray],
        source: str,
        neighbourhood: PooledPrior | None = None,
    ) -> None:
        self.results = dict(results)
        self.prior, self.prior_covariance = prior
        self.neighbourhood = neighbourhood
        self._weighed = weighed
        self._source = source
        first = next(iter(self.results.values()))
        self.grid: MapGrid = first.grid
        self.facts: dict[str, Any] = {
            "model": self._models_text(),
            "models": list(self.labels),
            "search": self._searches(),
            "prior": self.prior.tolist(),
            "prior_error": self.prior_error.tolist(),
            "prior_source": source,
            "data": list(first.facts.get("data") or ()),
            "versions": dict(first.facts.get("versions") or {}),
        }

    @property
    def labels(self) -> tuple[Any, ...]:
        """The models, in order: the coordinate of the axis ``model``."""
        return tuple(self.results)

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the map's axes."""
        return self.grid.shape

    @property
    def prior_error(self) -> FloatArray:
        """Standard errors of `prior`, shape (K,): of independent pixels."""
        return np.sqrt(np.diagonal(self.prior_covariance))

    @cached_property
    def record(self) -> PixelMaps:
        """The maps as arrays."""
        return comparison_maps(self.results, self.labels, self._weighed)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the maps."""
        return tuple(spec.name for spec in self.record.specs)

    @cached_property
    def maps(self) -> "xr.Dataset":
        """All maps as an xarray Dataset with sky coordinates and units."""
        from graphfit.io.maps_dataset import maps_dataset

        dataset = maps_dataset(self.record, self.grid, self.facts)
        return dataset.assign_coords({MODELS: list(self.labels)})

    def __getitem__(self, name: str) -> "xr.DataArray":
        if name not in self.record.arrays:
            msg = f"There is no map {name!r}.{close_match(name, self.names)}"
            raise UnknownNameError(msg)
        return self.maps[name]

    def __contains__(self, name: object) -> bool:
        return name in self.record.arrays

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def counts(self) -> dict[Any, int]:
        """Return the number of pixels by their most probable model."""
        best = self._best()
        return {label: int((best == k).sum()) for k, label in enumerate(self.labels)}

    def of(self, label: Any) -> CubeResult:
        """Return the maps of one model alone, to draw by ``gf.plot.maps`` for instance.

        Parameters
        ----------
        label : str or int
            Of the model.

        Raises
        ------
        UnknownNameError
            If there is no such model.
        """
        if label not in self.results:
            hint = close_match(str(label), map(str, self.labels))
            msg = f"There is no model {label!r}.{hint}"
            raise UnknownNameError(msg)
        place = self.labels.index(label)
        specs, arrays = [], {}
        for spec in self.record.specs:
            array = self.record.arrays[spec.name]
            if spec.axes == (MODELS,):
                text = f"Model {label}: {spec.description}"
                specs.append(MapSpec(spec.name, spec.dtype, spec.fill, text, spec.unit))
                arrays[spec.name] = array[..., place]
            elif spec.name == "status":
                specs.append(spec)
                arrays[spec.name] = array
        facts = {**self.facts, "models": [label]}
        return CubeResult(PixelMaps(self.shape, tuple(specs), arrays), self.grid, facts)

    @property
    def info(self) -> str:
        """The comparison as text: the models, their prior, how many pixels have which."""
        weighed = self._weighed
        best = self._best()
        pixels = size_text(self.shape, self.grid.dims)
        rows = [
            ["Comparison", pixels],
            [
                "Weighed",
                f"{int((best >= 0).sum())} pixels with the evidence of every model",
            ],
            ["Prior", self._source],
        ]
        if self.neighbourhood is not None:
            rows.append(["Neighbours", _strength_text(self.neighbourhood)])
        head = "\n".join(f"{name:<12}{text}" for name, text in rows)
        factors, _ = log_bayes_factors(weighed.log_evidence, weighed.log_evidence_error)
        table = cube_model_table(
            self.labels,
            (self.prior, self.prior_error),
            weighed.probability,
            best,
            factors,
        )
        return "\n".join([head, "", "Models", *table])

    def to_fits(self, path: str | PathLike[str], overwrite: bool = False) -> None:
        """Write all maps into a FITS file, one image a map, models as its third axis.

        Parameters
        ----------
        path : str or path
            Ends in ``.fits``.
        overwrite : bool
            Whether to replace a file that is there.

        Raises
        ------
        OutputError
            If the file exists, or cannot be written.
        """
        from graphfit.io.maps_fits import write_maps_fits

        write_maps_fits(path, self.record, self.grid, self.facts, overwrite=overwrite)

    def _best(self) -> AnyArray:
        return best_model(self._weighed.probability)

    def _models_text(self) -> str:
        texts = []
        for label, result in self.results.items():
            lines = str(result.facts.get("model") or "").splitlines()
            texts += [f"{label}:", *(f"  {line}" for line in lines)]
        return "\n".join(texts)

    def _searches(self) -> str:
        told = (result.facts.get("search") for result in self.results.values())
        return ", ".join(dict.fromkeys(str(text) for text in told if text))

    def __str__(self) -> str:
        return self.info

    def __repr__(self) -> str:
        size = size_text(self.shape, self.grid.dims)
        found = [f"{label} at {count}" for label, count in self.counts().items()]
        return f"CubeComparison({size}, most probable: {', '.join(found)})"


def _strength_text(pooled: PooledPrior) -> str:
    if np.isinf(pooled.strength):
        return "tell nothing: every pixel has the prior of the map"
    return (
        f"against the map's prior, which counts for {pooled.strength:g} pixels; they "
        f"raise ln P(all data) by {pooled.gain:.1f}"
    )
