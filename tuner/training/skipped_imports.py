"""Imports that torch and transformers make at their start and that training a classifier skips.

They take longer than torch itself. A library hears what it hears on a machine without an optional
part, and torch's compiler is imported once somebody uses it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# transformers imports them where they are installed, for losses and generation that no classifier
# has, and for models that are spread over devices.
_OPTIONAL_PACKAGES = ("accelerate", "scipy", "sklearn")

_COMPILER = "torch._dynamo"
# What others call without compiling anything: each says how the compiler is to see a function.
_COMPILER_MARKS = ("allow_in_graph", "assume_constant_result", "disable", "graph_break")
# transformers.masking_utils takes one class from here, for masks that encoders do not have.
_COMPILER_MODULE = f"{_COMPILER}._trace_wrapped_higher_order_op"
_COMPILER_CLASS = "TransformGetItemToIndex"


def skip_unused_imports() -> None:
    """Keep what no trial needs from being imported. Call before transformers is imported.

    Not for models that bring their own code, which may need any of it.
    """
    for name in _OPTIONAL_PACKAGES:
        # The import system's own mark of a module that cannot be imported.
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    import torch

    # As in a torch that was built without it. A trainer has one device.
    torch.distributed.is_available = _is_never_distributed
    if _COMPILER not in sys.modules:
        sys.modules[_COMPILER] = _CompilerStandIn(_COMPILER)
        sys.modules[_COMPILER_MODULE] = _CompilerModuleStandIn(_COMPILER_MODULE)
        sys.meta_path.insert(0, _CompilerFinder())


def _is_never_distributed() -> bool:
    return False


class _StandIn(ModuleType):
    """Stands in for a module until another name of it is asked for than it has itself."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            # Asked of every module there is, by whoever looks for the source of something.
            raise AttributeError(name)
        return getattr(_import_in_place_of_stand_in(self.__name__), name)


class _CompilerStandIn(_StandIn):
    """Stands in for torch's compiler, which has nothing to compile: its marks change nothing."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__ = []
        for mark in _COMPILER_MARKS:
            setattr(self, mark, _leave_unmarked)


class _CompilerModuleStandIn(_StandIn):
    """Stands in for the module of one class."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        setattr(self, _COMPILER_CLASS, _PostponedClass)


class _PostponedClass:
    """Makes instances of the real class."""

    def __new__(cls, *arguments: Any, **options: Any) -> Any:
        module = _import_in_place_of_stand_in(_COMPILER_MODULE)
        return getattr(module, _COMPILER_CLASS)(*arguments, **options)


def _leave_unmarked(function: Callable[..., Any] | None = None, *_: Any, **__: Any) -> Any:
    """Return the function as it is; without one, a decorator that does."""
    return _leave_unmarked if function is None else function


def _import_in_place_of_stand_in(name: str) -> ModuleType:
    for stand_in in (_COMPILER, _COMPILER_MODULE):
        if isinstance(sys.modules.get(stand_in), _StandIn):
            del sys.modules[stand_in]
    import_module(_COMPILER)
    return import_module(name)


class _CompilerFinder(MetaPathFinder):
    """Finds modules of the compiler that are asked for while its stand-in is there."""

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Import the whole compiler first, which may import the module, too."""
        if not name.startswith(f"{_COMPILER}."):
            return None
        if not isinstance(sys.modules.get(_COMPILER), _StandIn):
            return None
        return ModuleSpec(name, _ImportedAlready(_import_in_place_of_stand_in(name)))


class _ImportedAlready(Loader):
    def __init__(self, module: ModuleType) -> None:
        self._module, self._module_spec = module, module.__spec__

    def create_module(self, _spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        """Give the module back the spec that it was imported by, and do not run it again."""
        module.__spec__ = self._module_spec
