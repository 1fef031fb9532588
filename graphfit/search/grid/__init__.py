"""What grids of fits are made of: cells of priors, and runs over many of them."""
