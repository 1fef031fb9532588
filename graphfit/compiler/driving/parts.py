"""Numba as a mere translator: functions become LLVM IR, and nothing else.

For every function numba links a module with all that the function calls, optimises it,
makes machine code of it, and adds what Python would call it by.  A driver is made of a
hundred functions that only the driver calls, and it is optimised as a whole: here each is
translated, and the translations are linked once.

Importing this module imports numba, and fails where numba has been rearranged: it builds on
what numba does not publish.  Whoever needs it then takes numba as it comes.
"""

from collections.abc import Callable
from typing import Any, final

import llvmlite.binding as llvm
from numba import types
from numba.core.codegen import JITCodeLibrary, JITCPUCodegen
from numba.core.errors import NumbaError
from numba.core.registry import CPUDispatcher, CPUTarget, cpu_target

# Of numba, without the types that it gives them in part.
_Library: Any = JITCodeLibrary
_Codegen: Any = JITCPUCodegen
_Dispatcher: Any = CPUDispatcher
_Target: Any = CPUTarget
_cpu: Any = cpu_target
_unliteral: Any = types.unliteral
# Nothing is allocated, and nobody but compiled code calls in: no counting of references, no
# wrappers.
_OPTIONS = {
    "nopython": True,
    "boundscheck": None,  # as njit says
    "nogil": True,
    "error_model": "numpy",
    "_nrt": False,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}


def part(function: Callable[..., Any], *, in_place: bool = False) -> Any:
    """Return what translates a function for the types that it is called with.

    Parameters
    ----------
    function : callable
        What numba can compile.
    in_place : bool
        Whether it is expanded in its callers.

    Returns
    -------
    numba dispatcher
        Compiled code may call it; Python may not.
    """
    return _PartDispatcher(
        function, targetoptions={**_OPTIONS, "forceinline": in_place}
    )


def linked(result: Any) -> str:
    """Return the LLVM IR of a part and of all that it calls.

    Parameters
    ----------
    result : numba compilation result
        Of a :func:`part`.

    Returns
    -------
    str
        A module whose only function to be called is the part's.
    """
    module = result.library.whole()
    for function in module.functions:
        own = function.name == result.fndesc.llvm_func_name
        if not own and not function.is_declaration:
            function.linkage = "internal"
    return str(module)


def optimised(text: str) -> str:
    """Return a module as numba optimises it.

    Parameters
    ----------
    text : str
        LLVM IR.

    Returns
    -------
    str
        As LLVM IR, without what is internal and not used.
    """
    library = _CODEGEN.create_library("driver")
    library._final_module = llvm.parse_assembly(text)
    library._optimize_final_module()
    return str(library._final_module)


@final
class _PartLibrary(_Library):  # type: ignore[misc, unused-ignore]
    """The translation of one function, and the libraries of those that it calls."""

    _shared_module: Any

    def finalize(self) -> None:
        """Leave the module as it is."""
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """Return the address for a function that has none."""
        del name
        return 0

    def whole(self) -> Any:
        """Return a new module of this library and all below it."""
        module = llvm.parse_assembly(str(self._codegen._create_empty_module(self.name)))
        waiting, seen = [self], {self}
        while waiting:
            library = waiting.pop()
            if isinstance(library, _PartLibrary):
                module.link_in(library._final_module, preserve=True)
                new = [one for one in library._linking_libraries if one not in seen]
                waiting += dict.fromkeys(new)
                seen.update(new)
            else:  # numba's, with all below it
                module.link_in(library._get_module_for_linking(), preserve=True)
        return module

    def _get_module_for_linking(self) -> Any:
        """Return what one of numba's libraries adds to itself."""
        if self._shared_module is None:
            module = self.whole()
            for function in module.functions:
                if (
                    not function.is_declaration
                    and function.linkage == llvm.Linkage.external
                ):
                    function.linkage = "linkonce_odr"
            self._shared_module = module
        return self._shared_module


@final
class _PartCodegen(_Codegen):  # type: ignore[misc, unused-ignore]
    """What makes the libraries."""

    _library_class = _PartLibrary

    def set_env(self, env_name: str, env: object) -> None:
        """Do without: an environment holds Python's objects."""


_CODEGEN = _PartCodegen("graphfit.parts")
# It knows the functions that numba's knows, and numba's knows its.
_CONTEXT = _cpu.target_context.subtarget(_internal_codegen=_CODEGEN)


@final
class _PartTarget(_Target):  # type: ignore[misc, unused-ignore]
    """The processor at hand, with another way to code for it."""

    @property
    def typing_context(self) -> Any:
        """Numba's."""
        return _cpu.typing_context

    @property
    def target_context(self) -> Any:
        """Of parts."""
        return _CONTEXT


@final
class _PartDispatcher(_Dispatcher):  # type: ignore[misc, unused-ignore]
    """What compiles a part where its types are known."""

    targetdescr = _PartTarget("cpu")

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """Return what a call is typed by; compile the part for that unless it has been.

        Numba's would compile ``f(x, 0)`` and ``f(x, n)`` each by itself.
        """
        plain = tuple(map(_unliteral, args))
        plain_kws = {name: _unliteral(kind) for name, kind in kws.items()}
        try:
            return super().get_call_template(plain, plain_kws)
        except NumbaError:  # it may be one that needs to know the number
            return super().get_call_template(args, kws)
