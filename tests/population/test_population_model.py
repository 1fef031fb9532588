"""PopulationModel: names, order, and what it says."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import ModelError
from graphfit.population import PopulationModel
from graphfit.population.method import plan


def test_names_of_hyperparameters() -> None:
    shared = gf.UniformPrior(0, 1)
    model = PopulationModel(
        {
            "0.height": gf.GaussianPrior(gf.UniformPrior(0, 1, name="mu"), shared),
            "width": gf.LogGaussianPrior(
                gf.UniformPrior(0, 1) + 2.0 * gf.UniformPrior(0, 1), shared
            ),
            "depth": gf.GaussianPrior(0.0, gf.UniformPrior(0, 1, name="mu")),
        }
    )
    assert tuple(model.hyperparameters) == (
        "mu",
        "p0_height_sigma",
        "width_mean_0",
        "width_mean_1",
        "mu_2",
    )
    assert repr(model).endswith("depth=GaussianPrior; 5 hyper-parameters)")


def test_a_parameter_stands_behind_what_it_depends_on() -> None:
    centre = gf.GaussianPrior(gf.UniformPrior(0, 1), 1.0)
    width = gf.GaussianPrior(gf.UniformPrior(0, 1) + 0.5 * centre, 1.0)
    model = PopulationModel(width=width, centre=centre)
    assert model.names == ("centre", "width")
    assert tuple(model.hyperparameters) == ("centre_mean", "width_mean")
    assert "width ~ GaussianPrior(mean = width_mean + 0.5 * centre" in model.info
    chosen = plan(model, "sites", 3, only_gaussians=False)
    assert chosen.form.parents == ((), (0,))
    assert chosen.reason == "sites, in closed form"


def test_a_bent_mean_has_no_closed_form() -> None:
    centre = gf.GaussianPrior(gf.UniformPrior(0, 1), 1.0)
    width = gf.GaussianPrior(gf.UniformPrior(0, 1) + np.exp(centre), 1.0)
    model = PopulationModel(centre=centre, width=width)
    chosen = plan(model, "auto", 50_000, only_gaussians=False)
    assert chosen.form is None
    assert "no straight line" in chosen.reason


def test_a_logarithm_of_a_log_gaussian_parent_is_straight() -> None:
    centre = gf.LogGaussianPrior(gf.UniformPrior(0, 1), 1.0)
    width = gf.LogGaussianPrior(gf.UniformPrior(0, 1) + 2.0 * np.log(centre), 1.0)
    model = PopulationModel(centre=centre, width=width)
    assert plan(model, "auto", 50_000, only_gaussians=False).form is not None


def test_the_declared_rule() -> None:
    def model() -> PopulationModel:
        return PopulationModel(x=gf.GaussianPrior(gf.UniformPrior(0, 1), 1.0))

    few = plan(model(), "auto", 10, only_gaussians=False)
    assert few.reason == "sites, in closed form"
    assert few.keeps_draws
    assert few.has_mixtures
    told = plan(model(), "auto", 10, only_gaussians=True).reason
    assert told.endswith("members without draws are Gaussians of their covariance")
    forced = plan(model(), "sites", 10, only_gaussians=False)
    assert not forced.keeps_draws
    assert plan(model(), "draws", 10, only_gaussians=False).form is None


def test_nodes_are_for_many_members() -> None:
    model = PopulationModel(x=gf.StudentTPrior(4.0, gf.UniformPrior(0, 1), 1.0))
    few = plan(model, "auto", 9_999, only_gaussians=False)
    assert few.form is None
    assert few.reason == "draws (no closed form, fewer than 10000 members)"
    many = plan(model, "auto", 10_000, only_gaussians=False)
    assert many.reason == "sites, by nodes"
    assert many.keeps_draws
    assert not many.has_mixtures


def test_a_group_of_names() -> None:
    priors = [gf.GaussianPrior(gf.UniformPrior(0, 1), 1.0) for _ in range(2)]
    assert PopulationModel({("a", "b"): priors}).names == ("a", "b")
    with pytest.raises(ModelError, match="2 names.*1 priors"):
        PopulationModel({("a", "b"): priors[:1]})


def test_nothing_drawn() -> None:
    with pytest.raises(ModelError, match="no parameter is drawn"):
        PopulationModel()
