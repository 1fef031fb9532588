"""One fit of many datasets, by the structure of their graph."""
