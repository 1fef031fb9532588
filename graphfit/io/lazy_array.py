"""Arrays that xarray reads where they are indexed; import it inside functions only."""

from typing import Any, final

import numpy as np
from xarray.backends import BackendArray  # noqa: TID253 - it is imported late itself
from xarray.core.indexing import (  # noqa: TID253
    ExplicitIndexer,
    IndexingSupport,
    LazilyIndexedArray,
    explicit_indexing_adapter,
)

from graphfit.typing import AnyArray


@final
class LazyArray(BackendArray):
    """What has a shape, a dtype and slices, e.g. a zarr array, as xarray wants it.

    At module level so that it can be pickled, as dask's workers ask.
    """

    def __init__(self, source: Any) -> None:
        self.source = source
        self.shape: tuple[int, ...] = tuple(source.shape)
        self.dtype: np.dtype[Any] = source.dtype

    def __getitem__(self, key: ExplicitIndexer) -> Any:
        return explicit_indexing_adapter(
            key, self.shape, IndexingSupport.BASIC, self._read
        )

    def _read(self, key: tuple[Any, ...]) -> AnyArray:
        return np.asarray(self.source[key])


def lazily(source: Any) -> Any:
    """Return an array that an ``xarray.Variable`` can hold without reading it."""
    return LazilyIndexedArray(LazyArray(source))
