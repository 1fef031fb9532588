"""Reductions: what the structure of a graph allows to be done exactly, without sampling."""
