"""Which parameters enter every factor linearly, so that they can be integrated out.

Given all other parameters, a model ``h + sum_i a_i g_i`` with Gaussian noise of known size
makes ln L a quadratic function of the amplitudes a.  With priors that are Gaussian, cut off
or flat in a box, the integral over them is that of a normal distribution in a box.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

from graphfit.analysis.pointwise import pointwise_of
from graphfit.compiler.factor_kernel import FactorKernel, Kernels, PartialKernel
from graphfit.compiler.program import Program
from graphfit.compiler.reductions.degree import degree
from graphfit.model.space import ParameterSpace
from graphfit.model.tree import inputs
from graphfit.priors import Prior, Relation
from graphfit.priors.density import (
    GAUSSIAN,
    HALF_GAUSSIAN,
    TRUNCATED_GAUSSIAN,
    UNIFORM,
)

MOST_LIMITED = 2
"""Amplitudes with limits: their box is one of a bivariate normal distribution."""
MOST_UNLIMITED = 8
_TINY = 1e-120  # of a prior's width
_KINDS = {"poisson": "Poisson", "student_t": "Student-t", "density": "no Gaussian"}


class Amplitude(NamedTuple):
    """A parameter that can be integrated out, and its prior.

    Attributes
    ----------
    position : int
        Among the parameters.
    mean, sigma : float
        Of the Gaussian before it is cut off; sigma is infinite for a flat prior.
    lower, upper : float
        The limits; infinite for none.
    reference : float
        The value to evaluate kernels at; ln L is quadratic, so that it says all.
    log_density : float
        ln of the prior's density there.
    """

    position: int
    mean: float
    sigma: float
    lower: float
    upper: float
    reference: float
    log_density: float

    @property
    def is_limited(self) -> bool:
        """Whether there is a limit."""
        return math.isfinite(self.lower) or math.isfinite(self.upper)


@final
@dataclass(frozen=True, eq=False)
class LinearPlan:
    """Which amplitudes of a program can be integrated out, and with what.

    Attributes
    ----------
    amplitudes : tuple of Amplitude, length K
        In the order of the parameters.
    reasons : dict of str to str
        For each other free parameter why it cannot, by its name.
    kernels : tuple of (PartialKernel or None), length F
        One a factor: of the kind "normal" they write the derivatives by amplitudes only.
        None for a factor without any, of which the value is all that is needed.
    entries : tuple of tuple of int, length F
        To which of the K amplitudes the derivatives belong that a factor's kernel writes.
    """

    amplitudes: tuple[Amplitude, ...]
    reasons: dict[str, str]
    kernels: tuple[PartialKernel | None, ...]
    entries: tuple[tuple[int, ...], ...]

    @property
    def positions(self) -> tuple[int, ...]:
        """Where the amplitudes stand among the parameters."""
        return tuple(item.position for item in self.amplitudes)

    @property
    def references(self) -> dict[int, float]:
        """The amplitudes' values while kernels are evaluated, by position."""
        return {item.position: item.reference for item in self.amplitudes}

    def address(self, factor: int, kernels: Kernels) -> int:
        """Return the address of the kernel of a factor.

        Parameters
        ----------
        factor : int
            Its position in the graph.
        kernels : Kernels
            Its own, which are called where there is no amplitude in it.
        """
        own = self.kernels[factor]
        return kernels.address("value") if own is None else own.address("normal")


def linear_amplitudes(program: Program, *, hidden: Collection[int] = ()) -> LinearPlan:
    """Find the parameters that can be integrated out of the likelihood.

    Parameters
    ----------
    program : Program
        Of the graph; rows of data are evaluated with the same kernels.
    hidden : collection of int
        Positions of parameters that stand for numbers given row by row.

    Returns
    -------
    LinearPlan
        Of two amplitudes that multiply each other the first is chosen; of those with
        limits the first `MOST_LIMITED`, of the others `MOST_UNLIMITED`.
    """
    search = _Search(program)
    chosen: list[Amplitude] = []
    reasons: dict[str, str] = {}
    for position, prior in enumerate(program.space.priors):
        if position in hidden:
            continue
        reason = search.obstacle(position, prior) or search.nonlinear(position, chosen)
        if not reason:
            amplitude = _amplitude(position, prior)
            reason = _too_many(amplitude, chosen)
        if reason:
            reasons[program.space.names[position]] = reason
        else:
            chosen.append(amplitude)
    order = {item.position: i for i, item in enumerate(chosen)}
    kernels: list[PartialKernel | None] = []
    entries: list[tuple[int, ...]] = []
    for own, local in zip(search.kernels, search.locals, strict=True):
        wanted = [j for j, position in enumerate(local) if position in order]
        partial = None
        if wanted:
            assert own is not None
            partial = PartialKernel(own, wanted)
        kernels.append(partial)
        entries.append(tuple(order[local[j]] for j in wanted))
    return LinearPlan(tuple(chosen), reasons, tuple(kernels), tuple(entries))


@final
class _Search:
    """What is asked of a program for every parameter.

    Attributes
    ----------
    kernels : list of (FactorKernel or None)
        One a factor; None where it is not compiled.
    locals : list of tuple of int
        The positions of the factors' parameters.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._used = _used_elsewhere(program.space)
        self._degrees: dict[tuple[int, tuple[int, ...]], float] = {}
        self.kernels: list[FactorKernel | None] = []
        self.locals: list[tuple[int, ...]] = []
        order = {prior: i for i, prior in enumerate(program.space.priors)}
        for factor, path in enumerate(program.paths):
            own = path.kernels if path.way == "compiled" else None
            self.kernels.append(own if isinstance(own, FactorKernel) else None)
            if path.data is not None:
                self.locals.append(tuple(path.data.local.tolist()))
            else:
                priors = program.factor_priors[factor]
                self.locals.append(tuple(order[prior] for prior in priors))
        self._noise = [self._obstacle_in(i) for i in range(len(self.kernels))]

    def obstacle(self, position: int, prior: Prior) -> str:
        """Return what keeps a parameter from being one, whatever the model; or nothing."""
        if prior.is_conditional:
            return "the arguments of its prior are not all numbers"
        if prior.density not in (GAUSSIAN, TRUNCATED_GAUSSIAN, HALF_GAUSSIAN, UNIFORM):
            return f"its prior is {prior.density.name}"
        if prior in self._used:
            return self._used[prior]
        found = [i for i, local in enumerate(self.locals) if position in local]
        if not found:
            return "no factor depends on it"
        return next((self._noise[i] for i in found if self._noise[i]), "")

    def nonlinear(self, position: int, chosen: Sequence[Amplitude]) -> str:
        """Return how the model depends on a parameter, if not linearly."""
        others = {item.position for item in chosen}
        for own, local in zip(self.kernels, self.locals, strict=True):
            if own is None or position not in local:
                continue
            place = local.index(position)
            if self._degree(own, (place,)) > 1.0:
                return "the model is not linear in it"
            joint = [j for j, item in enumerate(local) if item in others]
            if self._degree(own, (place, *joint)) > 1.0:
                return "it multiplies another amplitude"
        return ""

    def _degree(self, kernels: FactorKernel, places: tuple[int, ...]) -> float:
        # Factors of one kernel ask the same.
        key = id(kernels), places
        if key not in self._degrees:
            self._degrees[key] = degree(kernels.tape, kernels.model, places)
        return self._degrees[key]

    def _obstacle_in(self, factor: int) -> str:
        """Return what keeps all of a factor's parameters from being amplitudes."""
        name, own = self._program.factor_names[factor], self.kernels[factor]
        if own is None:
            return f"factor '{name}' is not compiled"
        if own.is_plain:
            return ""
        data = pointwise_of(self._program.analyses[name])
        assert data is not None
        if data.likelihood != "gaussian":
            kind = _KINDS[data.likelihood]
            return f"factor '{name}' has {kind} noise"
        if data.jitter is not None:
            return f"factor '{name}' fits its noise"
        return f"factor '{name}' has upper limits"


def _used_elsewhere(space: ParameterSpace) -> dict[Prior, str]:
    """Return the parameters that something else than a factor's model depends on."""
    found: dict[Prior, str] = {}
    for relation in space.relations:
        found |= dict.fromkeys(inputs(relation), "a relation uses it")
    for condition in space.conditions:
        for side in (condition.lower, condition.upper):
            found |= dict.fromkeys(_priors_in(side), "a condition uses it")
    for prior in space.priors:
        for argument in prior.arguments:
            names = dict.fromkeys(_priors_in(argument), "another prior depends on it")
            found |= names
    return found


def _priors_in(operand: object) -> Collection[Prior]:
    if isinstance(operand, Relation):
        return inputs(operand)
    return (operand,) if isinstance(operand, Prior) else ()


def _too_many(amplitude: Amplitude, chosen: Sequence[Amplitude]) -> str:
    """Return why there is no room for another amplitude, if there is none."""
    alike = sum(item.is_limited == amplitude.is_limited for item in chosen)
    if alike < (MOST_LIMITED if amplitude.is_limited else MOST_UNLIMITED):
        return ""
    with_limits = " with limits" if amplitude.is_limited else ""
    return f"{alike} amplitudes{with_limits} are integrated out already"


def _amplitude(position: int, prior: Prior) -> Amplitude:
    """Return a parameter with its prior as a Gaussian that is cut off."""
    lower, upper = prior.support
    if prior.density is UNIFORM:
        mean, sigma = 0.5 * lower + 0.5 * upper, math.inf
        first, last = lower, upper
    else:
        mean, sigma = 0.0, prior.arguments[0]
        if prior.density is not HALF_GAUSSIAN:
            mean, sigma = prior.arguments[:2]
        # Where most of it is: a sigma about the mean, or behind the limit beyond that.
        first = min(max(mean - sigma, lower), max(lower, upper - sigma))
        last = max(min(mean + sigma, upper), min(upper, lower + sigma))
    reference = _reference(first, last)
    return Amplitude(
        position,
        mean,
        sigma,
        lower,
        upper,
        reference,
        prior.log_density_at(reference),
    )


def _reference(first: float, last: float) -> float:
    """Return the value of a range that is closest to zero, but not zero.

    There sums of squares are those of the data alone, however large a profile is, so that
    they lose the fewest digits.  At zero itself a profile that is infinite would give NaN
    and not, as at all other values, a likelihood of zero.
    """
    nearest = min(max(0.0, first), last)
    tiny = _TINY * (last - first)
    if abs(nearest) >= tiny:
        return nearest
    return tiny if last >= tiny else -tiny
