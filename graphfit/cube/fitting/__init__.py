"""Fits of a piece of the map: from slices of the cubes to the maps' values."""
