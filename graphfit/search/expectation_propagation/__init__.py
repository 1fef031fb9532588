"""Expectation propagation over the factors of a graph."""
