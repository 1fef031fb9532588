"""Every error that graphfit raises on purpose.

Each message says what is wrong, where (the model path, the factor, the file), what was
found, what is allowed, and what to do.  All of them derive from :class:`GraphfitError`;
most derive from a built-in as well, so that ``except ValueError`` keeps its meaning.
"""

import difflib
from collections.abc import Iterable


class GraphfitError(Exception):
    """What all of graphfit's errors have in common."""


class PriorError(GraphfitError, ValueError):
    """A prior with arguments that make no density."""


class ModelError(GraphfitError, ValueError):
    """A model that cannot be composed or evaluated."""


class UnknownNameError(ModelError, AttributeError):
    """A name that the model, the settings or the result does not have."""


class DataError(GraphfitError, ValueError):
    """A dataset that cannot be fitted."""


class GraphError(GraphfitError, ValueError):
    """Factors that make no factor graph."""


class SettingError(GraphfitError, TypeError, ValueError):
    """A search setting that does not exist or has an impossible value."""


class OutputError(GraphfitError, OSError):
    """An output folder that cannot be written, or that holds another run."""


class FitException(GraphfitError):
    """Raised by a user's likelihood to reject the point it was given.

    The search goes on as if the log-likelihood there were minus infinity.
    """


class LikelihoodError(GraphfitError, RuntimeError):
    """A user's likelihood failed; carries the factor, the parameters, the cause."""


class NonFiniteError(LikelihoodError):
    """A log-likelihood that is NaN or plus infinity."""


class NotRepeatableError(LikelihoodError):
    """A likelihood that gave two values at one point."""


class ResultError(GraphfitError, ValueError):
    """A question that this result cannot answer."""


class ImpossibleError(ResultError):
    """A likelihood that is zero wherever the prior was tried."""


class ConvergenceError(GraphfitError, RuntimeError):
    """A search that ended without an answer."""


class ConvergenceWarning(UserWarning):
    """A search ended before its answer can be trusted to the usual accuracy."""


class DataWarning(UserWarning):
    """Something odd about the data that a fit can live with."""


def close_match(name: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the known name nearest to `name`.

    Parameters
    ----------
    name : str
        The name that was not found.
    known : iterable of str
        The names that exist.

    Returns
    -------
    str
        A sentence with a leading space, or the list of all that is known (none: empty).

    Examples
    --------
    >>> close_match("sigm", ["centre", "sigma"])
    " Did you mean 'sigma'?"
    >>> close_match("flux", ["centre", "sigma"])
    ' Known: centre, sigma.'
    """
    names = [str(item) for item in known]
    found = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
    if found:
        return f" Did you mean {found[0]!r}?"
    return f" Known: {', '.join(names)}." if names else ""
