"""Status: how the fit of one pixel ended, as a small integer with a sentence."""

from enum import IntEnum, unique
from typing import final


@final
@unique
class Status(IntEnum):
    """How a fit ended.

    Maps store the integer.  0 to 9 are answers, 10 to 19 are points that a search gave up
    at, 20 and above hold no answer: their parameters are NaN.

    Examples
    --------
    >>> Status.AT_BOUND.sentence
    'The fit converged with a parameter at its bound.'
    >>> Status(0).answered, Status.DIVERGING.answered
    (True, False)
    """

    CONVERGED = 0
    AT_BOUND = 1
    SINGULAR = 2

    OUT_OF_EVALUATIONS = 10
    DIVERGING = 11
    STALLED = 12

    NON_FINITE = 20
    TOO_FEW_POINTS = 21
    BAD_START = 22
    MASKED = 23
    USER_ERROR = 24
    NOT_REACHED = 25
    TIME_LIMIT = 26
    WORKER_DIED = 27
    BAD_NOISE = 28
    NOT_REPEATABLE = 29
    IMPOSSIBLE = 30

    @property
    def sentence(self) -> str:
        """What it means, for a reader."""
        return _SENTENCES[self]

    @property
    def answered(self) -> bool:
        """Whether the parameters are those of an optimum."""
        return self < Status.OUT_OF_EVALUATIONS


_SENTENCES = {
    Status.CONVERGED: "The fit converged.",
    Status.AT_BOUND: "The fit converged with a parameter at its bound.",
    Status.SINGULAR: (
        "The fit converged, but the data do not determine every parameter: "
        "there is no covariance."
    ),
    Status.OUT_OF_EVALUATIONS: (
        "The fit used all its evaluations before it converged; the best point is kept."
    ),
    Status.DIVERGING: (
        "The parameters ran away without a better fit: the data hold no such signal."
    ),
    Status.STALLED: (
        "No step led on before the end was reached: the likelihood is not smooth here, is "
        "flat or noisy, or its derivative is wrong."
    ),
    Status.NON_FINITE: (
        "The likelihood is no finite number where the fit starts, or where a sampler "
        "tried it."
    ),
    Status.TOO_FEW_POINTS: "There are fewer data points than free parameters.",
    Status.BAD_START: "The starting point is not finite.",
    Status.MASKED: "The pixel is masked, or holds no data; it was not fitted.",
    Status.USER_ERROR: "The user's code raised an error; diagnostics hold its traceback.",
    Status.NOT_REACHED: (
        "The run stopped before it came to this pixel; the same call with the same store "
        "goes on."
    ),
    Status.TIME_LIMIT: "The fit took longer than the time limit of a pixel.",
    Status.WORKER_DIED: "The process that fitted this pixel died, and died again.",
    Status.BAD_NOISE: "The noise is not above 0 and finite at every point in use.",
    Status.NOT_REPEATABLE: (
        "The likelihood gave two values at one point; a run would mean nothing."
    ),
    Status.IMPOSSIBLE: (
        "The likelihood is zero wherever the prior was tried: there is no place to begin."
    ),
}
