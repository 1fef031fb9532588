import numpy as np
import pytest
from scipy.optimize import OptimizeResult

from graphfit.cube.fit_info import FitInfoArrayContainer, NoFit, former_fit_info
from graphfit.errors import ResultError, UnknownNameError
from graphfit.samples import Status


def entries(*values: object) -> np.ndarray:
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


MASKED = NoFit(Status.MASKED, "no data")
FITS = entries(
    OptimizeResult(nfev=7, message="ok", cov=np.eye(2)),
    MASKED,
    OptimizeResult(nfev=2.5, message="a longer message", cov=2 * np.eye(2)),
)


def test_properties_are_those_of_fits():
    assert FitInfoArrayContainer(FITS).properties == ("cov", "message", "nfev")
    assert FitInfoArrayContainer(entries(MASKED, None)).properties == ()


def test_a_property_of_every_fit():
    info = FitInfoArrayContainer(FITS)
    assert info.get_property_as_array("nfev").tolist() == [7.0, 0.0, 2.5]
    assert info.get_property_as_array("cov").shape == (3, 2, 2)
    assert not info.get_property_as_array("cov")[1].any()


def test_text_is_not_cut():
    found = FitInfoArrayContainer(FITS).get_property_as_array("message")
    assert found.tolist() == ["ok", "no data", "a longer message"]


def test_what_is_missing_can_be_told_from_zero():
    whole = FitInfoArrayContainer(entries(OptimizeResult(nfev=7), None))
    found = whole.get_property_as_array("nfev", fill=np.nan)
    assert found[0] == 7.0
    assert np.isnan(found[1])
    assert whole.get_property_as_array("nfev", fill=-1).dtype == int


def test_none_is_missing():
    info = FitInfoArrayContainer(
        entries(OptimizeResult(cov=np.ones(2)), OptimizeResult(cov=None))
    )
    assert info.get_property_as_array("cov").tolist() == [[1.0, 1.0], [0.0, 0.0]]


def test_of_no_fits_there_is_nothing():
    info = FitInfoArrayContainer(entries(MASKED, MASKED))
    assert np.isnan(info.get_property_as_array("nfev")).all()
    assert repr(info) == "FitInfoArrayContainer((2,): 2 masked; no properties)"


def test_a_misspelt_property():
    with pytest.raises(UnknownNameError, match="'nfe'. Did you mean 'nfev'?"):
        FitInfoArrayContainer(FITS).get_property_as_array("nfe")


def test_shapes_that_differ():
    info = FitInfoArrayContainer(
        entries(OptimizeResult(fun=np.ones(2)), OptimizeResult(fun=np.ones(3)))
    )
    with pytest.raises(
        ResultError, match=r"'fun' .* \(2,\), \(3,\); read it fit by fit"
    ):
        info.get_property_as_array("fun")


def test_slices():
    info = FitInfoArrayContainer(FITS, np.array([0, 23, 10], dtype=np.int8))
    part = info[1:]
    assert isinstance(part, FitInfoArrayContainer)
    assert (part.shape, part.ndim) == ((2,), 1)
    assert part.status.tolist() == [23, 10]
    assert info[0].nfev == 7
    assert info[1] is MASKED
    assert not info[1]


def test_a_map_without_axes():
    single = np.empty((), dtype=object)
    single[()] = OptimizeResult(nfev=3)
    info = FitInfoArrayContainer(single)
    assert info.shape == ()
    assert info.get_property_as_array("nfev") == 3
    assert info[()].nfev == 3


def test_status_is_read_from_entries():
    info = FitInfoArrayContainer(
        entries(
            OptimizeResult(nfev=1), MASKED, None, OptimizeResult(outcome=Status(10))
        )
    )
    assert info.status.tolist() == [0, 23, 24, 10]


def test_what_the_fitter_had_before():
    assert former_fit_info(FitInfoArrayContainer(FITS, former={"a": 1})) == {"a": 1}
