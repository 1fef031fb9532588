"""What an Analysis does where its author says nothing, and the example's own."""

import numpy as np
import pytest

import graphfit as gf


def test_the_likelihood_must_be_written():
    class Empty(gf.Analysis):
        pass

    with pytest.raises(
        NotImplementedError, match="Empty must define log_likelihood_func"
    ):
        Empty().log_likelihood_function(None)


def test_the_hooks_are_optional(tmp_path):
    analysis = gf.Analysis()
    assert analysis.chi_squared(None) is None
    assert analysis.data_point_count() is None
    assert analysis.derived(None) == {}
    assert analysis.modify_before_fit(None) is analysis
    assert analysis.make_result("result") == "result"
    analysis.visualize(tmp_path, None)
    analysis.save_attributes(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_example_saves_its_data(tmp_path):
    analysis = gf.ex.Analysis(data=[1.0, 2.5], noise_map=[0.5, 0.25])
    analysis.save_attributes(tmp_path)
    for name in ("data", "noise_map"):
        read = gf.util.numpy_array_from_json(tmp_path / f"{name}.json")
        np.testing.assert_array_equal(read, getattr(analysis, name))


@pytest.mark.parametrize(
    ("profile", "integral"),
    [
        (gf.ex.Gaussian(centre=50.0, normalization=3.0, sigma=0.8), 3.0),
        # N rate exp(-rate |x - centre|) has two sides.
        (gf.ex.Exponential(centre=50.0, normalization=3.0, rate=0.8), 6.0),
    ],
)
def test_an_example_profile_has_its_normalization(profile, integral):
    step = 0.001
    x = np.arange(0.0, 100.0, step)
    assert profile(x).sum() * step == pytest.approx(integral, rel=1e-6)
    np.testing.assert_array_equal(profile(x), profile.model_data_from(x))
