"""The numbers of a model: a flat table of values instead of a tree of names.

A :class:`ParameterSpace` lowers the expressions of a model tree once.  Every free
parameter, every relation and every numeric constant they use gets a *slot* in one array,

    [ free parameters (D) | relations (R) | constants ]

and every prior transform, log-density and relation becomes a step on index arrays.  Steps
of one kind at one depth run together: six hundred uniform priors are one call.
"""

from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np

from graphfit.errors import FitException, ModelError, PriorError
from graphfit.model.node import Node
from graphfit.model.steps import CallStep, PriorStep, UfuncStep
from graphfit.model.tree import assertions, free_parameters, relations
from graphfit.priors import Comparison, Expression, Prior, Relation
from graphfit.priors.density import Density
from graphfit.priors.expression import is_ufunc
from graphfit.priors.flat import refusal
from graphfit.typing import ArrayLike, BoolArray, FloatArray, IntArray


@final
class ParameterSpace:
    """The free parameters of a model tree and everything computed from them.

    Parameters
    ----------
    root : Node
        The model tree; later changes to it are not followed.

    Attributes
    ----------
    priors : tuple of Prior, length D
        In the order of vectors.
    names : tuple of str, length D
        Their paths.
    derived_names : tuple of str, length R
        The paths of relations that stand as parameters.
    relations : tuple of Relation, length R
        Those relations.
    conditional : tuple of int
        The positions of parameters whose prior depends on others.
    conditions : tuple of Comparison
        What must hold (``add_assertion``).
    improper : tuple of int
        The positions of parameters whose prior has no integral.

    Raises
    ------
    ModelError
        If a parameter has no prior, or priors depend on one another in a circle.
    """

    __slots__ = (
        "_assertions",
        "_derived",
        "_expressions",
        "_priors_by_step",
        "_relations",
        "_slots",
        "_template",
        "_transform",
        "conditional",
        "conditions",
        "derived_names",
        "improper",
        "names",
        "priors",
        "relations",
    )

    def __init__(self, root: Node) -> None:
        parameters = free_parameters(root)
        shown = relations(root)
        self.priors: tuple[Prior, ...] = tuple(parameters)
        self.names: tuple[str, ...] = tuple(parameters.values())
        self.derived_names: tuple[str, ...] = tuple(shown.values())
        self.relations: tuple[Relation, ...] = tuple(shown)
        self.conditional = tuple(
            i for i, prior in enumerate(self.priors) if prior.is_conditional
        )
        self.improper = tuple(
            i for i, prior in enumerate(self.priors) if not prior.density.is_proper
        )
        conditions = assertions(root)
        self.conditions: tuple[Comparison, ...] = tuple(conditions)
        lowering = _Lowering(self.priors, {**shown}, conditions)
        self._slots = lowering.slots
        self._expressions = {slot: item for item, slot in lowering.slots.items()}
        self._template = lowering.template()
        self._transform = lowering.transform_steps()
        self._relations = lowering.relation_steps()
        self._priors_by_step = lowering.prior_steps()
        self._derived = np.array([self._slots[r] for r in shown], dtype=np.intp)
        self._assertions = (
            np.array([lowering.slot(c.lower) for c in conditions], dtype=np.intp),
            np.array([lowering.slot(c.upper) for c in conditions], dtype=np.intp),
            np.array([c.strict for c in conditions], dtype=bool),
        )

    @property
    def dimension(self) -> int:
        """The number of free parameters, D."""
        return len(self.priors)

    @property
    def is_plain(self) -> bool:
        """Whether a vector is its own table: no relation, no condition."""
        return not self._relations and not self._assertions[0].size

    @property
    def is_conditional(self) -> bool:
        """Whether a prior depends on others; only then can `transform` give NaN."""
        return bool(self.conditional)

    def slot(self, expression: Expression) -> int:
        """Return the position of a prior's or relation's value in the table."""
        return self._slots[expression]

    def expression(self, slot: int) -> Expression:
        """Return the prior or relation whose value stands at a position of the table."""
        return self._expressions[slot]

    def transform(self, unit: ArrayLike) -> FloatArray:
        """Return the physical parameters `(D,)` at a point `(D,)` of the unit cube.

        Conditional priors come after what they depend on: theta_i = Q_i(u_i | theta).
        It is NaN where the arguments make no density.

        Raises
        ------
        PriorError
            If a parameter's prior has no integral.
        """
        self.require_proper("The unit cube")
        return self._transformed(self._checked(unit, "unit vector"), {})

    def medians(self, given: Mapping[int, float]) -> FloatArray:
        """Return the medians `(D,)`, and the values `given` for what has no median.

        Parameters
        ----------
        given : mapping of int to float
            Values by position; used where a parameter's prior has no integral.
        """
        return self.transform_given(np.full(self.dimension, 0.5), given)

    def transform_given(self, unit: FloatArray, given: Mapping[int, Any]) -> FloatArray:
        """Return `transform`, with the values `given` where a prior has no integral.

        Parameters
        ----------
        unit : ndarray, shape (D,) or (D, S)
            One point of the unit cube, or S of them.
        given : mapping of int to float, or to ndarray of shape (S,)
            Values by position.
        """
        fixed = {i: given.get(i, np.nan) for i in self.improper}
        return self._transformed(unit, fixed)

    def require_proper(self, who: str) -> None:
        """Refuse priors without an integral on behalf of `who`, which draws from them.

        Raises
        ------
        PriorError
            Naming the parameters.
        """
        if self.improper:
            found = {self.names[i]: self.priors[i] for i in self.improper}
            raise PriorError(refusal(who, found))

    def _transformed(self, cube: FloatArray, fixed: Mapping[int, Any]) -> FloatArray:
        values = self._template.copy()
        if cube.ndim == 2:
            values = np.repeat(values[:, None], cube.shape[1], axis=1)
        for step in self._transform:
            if isinstance(step, PriorStep):
                step.transform(values, cube)
                for i, value in fixed.items():
                    values[i] = value
            else:
                try:
                    step.run(values)
                except FitException:
                    values[step.out] = np.nan
        return values[: self.dimension]

    def transform_about(self, unit: FloatArray, own: float) -> FloatArray:
        """Return each parameter at its own quantile `own`, all others at `unit`.

        For conditional priors, what they depend on stays at `unit`.
        """
        values = self.values(self.transform(unit))
        moved = np.empty(self.dimension)
        for step in self._priors_by_step:
            arguments = [values[index] for index in step.arguments]
            moved[step.out] = step.density.quantile(own, *arguments)
        return moved

    def unit(self, vector: FloatArray) -> FloatArray:
        """Return the point of the unit cube whose transform is theta `(D,)`."""
        values = self.values(vector)
        cube = np.empty(self.dimension)
        for step in self._priors_by_step:
            arguments = [values[index] for index in step.arguments]
            cube[step.out] = step.density.cdf(values[step.out], *arguments)
        return cube

    def support(self, vector: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the lowest and highest values of non-zero density, at theta.

        Each `(D,)`, or `(D, S)` for S points theta `(D, S)`.
        """
        values = self.values(vector)
        low, high = np.empty(vector.shape), np.empty(vector.shape)
        for step in self._priors_by_step:
            arguments = [values[index] for index in step.arguments]
            low[step.out], high[step.out] = step.density.support(*arguments)
        return low, high

    def values(self, vector: FloatArray) -> FloatArray:
        """Return the table of values at theta `(D,)`, or `(slots, S)` at theta `(D, S)`.

        Raises
        ------
        FitException
            At a single theta, if a relation's function rejects it.
        """
        if vector.ndim == 1:
            values = self._template.copy()
        else:
            values = np.repeat(self._template[:, None], vector.shape[1], axis=1)
        values[: self.dimension] = vector
        for step in self._relations:
            step.run(values)
        return values

    def values_from_vector(self, vector: ArrayLike) -> list[float]:
        """Return the table as floats, after checking the vector's length."""
        row: list[float] = self.values(self._checked(vector, "vector")).tolist()
        return row

    def log_prior(self, values: FloatArray) -> Any:
        """Return ln p(theta), the sum of the normalised log-densities, from the table.

        One term after the other: `sum` would round one point otherwise than many.
        """
        return sum(
            (
                np.add.accumulate(step.log_density(values), axis=0)[-1]
                for step in self._priors_by_step
            ),
            start=np.zeros(values.shape[1:]),
        )

    def allowed(self, values: FloatArray) -> bool | BoolArray:
        """Say whether the conditions of the model hold, from the table."""
        lower, upper, strict = self._assertions
        if not lower.size:
            return True if values.ndim == 1 else np.ones(values.shape[1], dtype=bool)
        a, b = values[lower], values[upper]
        is_strict = strict if values.ndim == 1 else strict[:, None]
        held: BoolArray = np.where(is_strict, a < b, a <= b)
        every: BoolArray = np.asarray(held.all(axis=0))
        return every

    def derived(self, values: FloatArray) -> FloatArray:
        """Return the relations' values `(R,)` or `(R, S)` from the table."""
        return values[self._derived]

    def _checked(self, vector: ArrayLike, what: str) -> FloatArray:
        array = np.asarray(vector, dtype=np.float64)
        if array.shape != (self.dimension,):
            msg = (
                f"The {what} must have shape ({self.dimension},), one value for each of "
                f"{', '.join(self.names)}; got shape {array.shape}."
            )
            raise ModelError(msg)
        return array


class _Lowering:
    """Assigns slots and sorts expressions by depth; used once, then dropped."""

    def __init__(
        self,
        priors: Sequence[Prior],
        shown: dict[Relation, str],
        conditions: Sequence[Comparison],
    ) -> None:
        self.slots: dict[Expression, int] = {p: i for i, p in enumerate(priors)}
        # By their bits: -0.0 is another number than 0.0 (1 / x tells), and NaN is one.
        self.constants: dict[str, int] = {}
        self.priors = priors
        self.relation_depth: dict[Relation, int] = {}
        self.prior_depth: dict[Prior, int] = {}
        self.names = shown
        for item in shown:
            self._place(item)
        for prior in priors:
            for argument in prior.arguments:
                self._place(argument)
        for condition in conditions:
            self._place(condition.lower)
            self._place(condition.upper)
        for i, relation in enumerate(self.relation_depth):
            self.slots[relation] = len(priors) + i
        for relation in self.relation_depth:
            if is_ufunc(relation):
                self._constants_of(relation.arguments)
        for prior in priors:
            self._constants_of(prior.arguments)
        for condition in conditions:
            self._constants_of((condition.lower, condition.upper))

    def _place(self, item: Any) -> int:
        """Record a relation after its operands; return its depth above the priors."""
        if not isinstance(item, Relation):
            return 0
        if item not in self.relation_depth:
            depth = 1 + max((self._place(a) for a in item.arguments), default=0)
            self.relation_depth[item] = depth
        return self.relation_depth[item]

    def _constants_of(self, operands: Sequence[Any]) -> None:
        offset = len(self.priors) + len(self.relation_depth)
        for operand in operands:
            if not isinstance(operand, Expression):
                number = _as_float(operand).hex()
                self.constants.setdefault(number, offset + len(self.constants))

    def slot(self, operand: Any) -> int:
        if isinstance(operand, Expression):
            return self.slots[operand]
        return self.constants[_as_float(operand).hex()]

    def template(self) -> FloatArray:
        size = len(self.priors) + len(self.relation_depth) + len(self.constants)
        template = np.zeros(size)
        for number, slot in self.constants.items():
            template[slot] = float.fromhex(number)
        return template

    def relation_steps(self) -> tuple[UfuncStep | CallStep, ...]:
        """All relations, given every prior's value."""
        return self._steps([(d, r) for r, d in self.relation_depth.items()])

    def prior_steps(self) -> tuple[PriorStep, ...]:
        """All priors by family, given every value."""
        return tuple(self._prior_groups(self.priors))

    def transform_steps(self) -> tuple[Any, ...]:
        """Priors and the relations they need, in the order of dependence."""
        depth: dict[Expression, int] = {}
        for prior in self.priors:
            self._dependence(prior, depth, ())
        steps: list[Any] = []
        for level in range(max(depth.values(), default=-1) + 1):
            here = [item for item, d in depth.items() if d == level]
            steps += self._prior_groups([p for p in here if isinstance(p, Prior)])
            steps += self._steps([(0, r) for r in here if isinstance(r, Relation)])
        return tuple(steps)

    def _dependence(
        self, item: Expression, depth: dict[Expression, int], chain: tuple[Any, ...]
    ) -> int:
        if item in chain:
            msg = (
                f"The prior {type(item).__name__} depends on itself through its own "
                "arguments; break the circle."
            )
            raise ModelError(msg)
        if item not in depth:
            below = [
                self._dependence(operand, depth, (*chain, item))
                for _, operand in item.operands()
                if isinstance(operand, Expression)
            ]
            depth[item] = 1 + max(below, default=-1)
        return depth[item]

    def _prior_groups(self, priors: Sequence[Prior]) -> list[PriorStep]:
        groups: dict[Density, list[Prior]] = {}
        for prior in priors:
            groups.setdefault(prior.density, []).append(prior)
        return [
            PriorStep(density, self._indices(members), self._columns(members))
            for density, members in groups.items()
        ]

    def _steps(
        self, items: Sequence[tuple[int, Relation]]
    ) -> tuple[UfuncStep | CallStep, ...]:
        groups: dict[Any, list[Relation]] = {}
        for depth, relation in sorted(items, key=lambda item: item[0]):
            # A user's function runs alone; a ufunc runs for all its relations at once.
            key = relation.function if is_ufunc(relation) else relation
            groups.setdefault((depth, key), []).append(relation)
        return tuple(self._step(members) for members in groups.values())

    def _step(self, members: list[Relation]) -> UfuncStep | CallStep:
        first = members[0]
        if isinstance(first.function, np.ufunc):
            return UfuncStep(
                first.function, self._indices(members), self._columns(members)
            )
        operands = tuple(
            (self.slots[a], None) if isinstance(a, Expression) else (None, a)
            for a in first.arguments
        )
        name = self.names.get(first, str(first))
        return CallStep(first.function, self.slots[first], operands, name)

    def _indices(self, items: Sequence[Expression]) -> IntArray:
        return np.array([self.slots[item] for item in items], dtype=np.intp)

    def _columns(self, items: Sequence[Prior | Relation]) -> tuple[IntArray, ...]:
        rows = [[self.slot(argument) for argument in item.arguments] for item in items]
        return tuple(
            np.array(column, dtype=np.intp) for column in zip(*rows, strict=True)
        )


def _as_float(operand: Any) -> float:
    try:
        return float(operand)
    except (TypeError, ValueError, OverflowError):
        msg = f"A relation takes priors, relations and numbers, got {operand!r}."
        raise ModelError(msg) from None
