"""Kernels of formulas: one for each content, however often it is traced."""

import threading
from collections import OrderedDict
from functools import cache
from typing import Any, final

from graphfit.compiler.factor_kernel import FactorKernel
from graphfit.compiler.formula import Formula
from graphfit.compiler.likelihood import Noise

MOST = 256  # formulas kept; each is some kilobytes


def formula_kernel(formula: Formula, noise: Noise) -> FactorKernel:
    """Return the kernels of a formula under a likelihood.

    A process writes the same formula out once: fits of one model, in a loop over datasets,
    begin within a millisecond.

    Parameters
    ----------
    formula : Formula
        Whose first output is the model.
    noise : Noise
        The likelihood, its lines among the formula's.
    """
    return _known().kernel(formula, noise)


@final
class _Kernels:
    """The kernels made so far, by content: a pure function's memory, nothing else."""

    def __init__(self) -> None:
        self._made: OrderedDict[Any, FactorKernel] = OrderedDict()
        self._lock = threading.Lock()

    def kernel(self, formula: Formula, noise: Noise) -> FactorKernel:
        key = (formula.content, noise)
        with self._lock:
            if key not in self._made:
                self._made[key] = FactorKernel(
                    formula.tape(), formula.outputs[0], noise, len(formula.parameters)
                )
                if len(self._made) > MOST:
                    self._made.popitem(last=False)
            self._made.move_to_end(key)
            return self._made[key]


@cache
def _known() -> _Kernels:
    return _Kernels()
