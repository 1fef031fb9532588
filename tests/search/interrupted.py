"""A script to be killed: a named fit whose likelihood counts its calls in a file.

python tests/search/interrupted.py OUTPUT COUNTS SEARCH_AS_PYTHON
"""

import sys
import time

import graphfit as gf
from tests.exam import Linear, coefficients, polynomial


class Slow(gf.Analysis):
    """The regression of the exam, a millisecond a call, one byte a call in a file."""

    def __init__(self, counts: str) -> None:
        self.counts = counts
        self.inner: Linear = polynomial(2)

    def log_likelihood_function(self, instance):
        with open(self.counts, "ab") as file:
            file.write(b".")
        time.sleep(0.001)
        return self.inner.log_likelihood_function(instance)


def main(output: str, counts: str, search: str) -> None:
    made = eval(search, {"gf": gf, "path_prefix": output})
    made.fit(coefficients(2), Slow(counts))


if __name__ == "__main__":
    main(*sys.argv[1:])
