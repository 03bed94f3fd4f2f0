"""Every binding of the UI, from the classes themselves."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

from textual.binding import Binding
from textual.dom import DOMNode

from tuner.errors import TunerError
from tuner.recipe.nearest import show, suggestion
from tuner.tui.settings import Settings

_HERE = str(Path(__file__).parent)


def nodes() -> list[type[DOMNode]]:
    """Every class of the UI, imported where it was not yet."""
    for module in pkgutil.walk_packages([_HERE], "tuner.tui."):
        importlib.import_module(module.name)
    found = {node for node in _heirs(DOMNode) if node.__module__.startswith("tuner.tui")}
    return sorted(found, key=lambda node: (node.__module__, node.__name__))


def _heirs(node: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for heir in node.__subclasses__():
        yield heir
        yield from _heirs(heir)


def bindings_of(node: type[DOMNode]) -> list[Binding]:
    """Its own ones, each key for itself."""
    return list(Binding.make_bindings(node.__dict__.get("BINDINGS", [])))


def check_keys(settings: Settings, path: Path) -> None:
    """Refuses a key for an action that there is not, with the nearest name, as TunerError."""
    if not settings.keys:
        return
    known = sorted({b.id for node in nodes() for b in bindings_of(node) if b.id})
    for name in settings.keys:
        if name not in known:
            raise TunerError(f"{path}: [keys]: no action {show(name)}; {suggestion(name, known)}")
