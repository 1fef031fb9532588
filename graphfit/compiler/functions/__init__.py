"""Elementary functions as vector instructions, each with a bound on its error."""
