"""Many fits of one graph: the compiled Levenberg-Marquardt iteration."""
