"""Cubes: one graph at every pixel, chunk by chunk.

A datum goes from `inputs` (read slice by slice) through `fitting` (rows of a region, all
pixels at once or one by one), wherever `scheduling` lets it run, into the maps of
`map_memory` or of a store.  `fit_cube` is the whole way; `problem` what is checked before,
`plan` and `run` what happens when, `access` the way back from a map to a pixel.  `signal`
finds what to fit; `astropy_fit` fits astropy's models with astropy's fitters.
"""
