"""The command line: parse, call, print."""

from graphfit.cli.application import main

__all__ = ["main"]
