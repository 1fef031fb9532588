"""NUTS: gradients of the joint posterior in unconstrained coordinates, sampled by nutpie."""
