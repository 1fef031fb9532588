"""One fit of many datasets, by the structure of their graph."""

LARGEST_DENSE = (
    40  # parameters; up to here one dense matrix is quicker than any structure
)
