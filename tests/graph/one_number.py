"""Datasets of one number each: the graphs whose posteriors are known exactly."""

import numpy as np

import graphfit as gf


def number(x, theta):
    """A constant, in plain numpy: the fit of one number is compiled."""
    return theta + 0.0 * x


def pair(x, first, second):
    """Two numbers, at x = 0 and 1."""
    return first + (second - first) * x


def factor_of(model, values, error):
    x = np.arange(float(np.size(values)))
    analysis = gf.ProfileAnalysis(x, np.atleast_1d(values), np.full(x.size, error))
    return gf.AnalysisFactor(model, analysis)


def graph_of(population, values, error, arguments=()):
    """``y_i ~ N(theta_i, error)`` with theta_i from a population."""
    factors = []
    for i, value in enumerate(values):
        model = gf.Model(number, theta=gf.UniformPrior(0.0, 1.0))
        own = arguments[i] if arguments else {}
        population.add_drawn_variable(model.theta, **own)
        factors.append(factor_of(model, value, error))
    return gf.FactorGraphModel(*factors, population)


def column(results, name):
    """The samples of one parameter or derived value, with their weights."""
    samples = results.samples
    names = list(samples.parameter_names)
    values = np.asarray(samples.parameter_lists)[:, names.index(name)]
    weights = np.asarray(samples.weight_list)
    return values, weights / weights.sum()


def moments(results, name):
    values, weights = column(results, name)
    mean = weights @ values
    return mean, np.sqrt(weights @ (values - mean) ** 2)
