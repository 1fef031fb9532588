"""Cubes: one graph at every pixel, chunk by chunk.

Data, masks, noise and world axes are read lazily (``reading``, ``source``, ``world``), a
plan cuts the map into chunks (``plan``), workers fit them (``worker``) wherever a scheduler
runs them (``executor``), and what they find is kept in memory or in a store.
"""
