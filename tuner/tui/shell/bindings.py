"""Every binding of the UI, from the classes themselves."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

from textual.binding import Binding
from textual.dom import DOMNode

from tuner.errors import TunerError
from tuner.recipe.nearest import quote_value, spelling_hint
from tuner.tui.shell.settings import Settings

_UI_FOLDER = str(Path(__file__).parent.parent)


def ui_node_classes() -> list[type[DOMNode]]:
    """Import every module of the UI and return its classes."""
    for module in pkgutil.walk_packages([_UI_FOLDER], "tuner.tui."):
        importlib.import_module(module.name)
    classes = {node for node in _all_subclasses(DOMNode) if node.__module__.startswith("tuner.tui")}
    return sorted(classes, key=lambda node: (node.__module__, node.__name__))


def _all_subclasses(node: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for subclass in node.__subclasses__():
        yield subclass
        yield from _all_subclasses(subclass)


def declared_bindings(node: type[DOMNode]) -> list[Binding]:
    """Return the bindings that the class itself declares, one per key."""
    return list(Binding.make_bindings(node.__dict__.get("BINDINGS", [])))


def check_configured_keys(settings: Settings, path: Path) -> None:
    """Raise TunerError, with the nearest name, for a key of an action that does not exist."""
    if not settings.keys:
        return
    action_ids = sorted(
        {b.id for node in ui_node_classes() for b in declared_bindings(node) if b.id}
    )
    for name in settings.keys:
        if name not in action_ids:
            raise TunerError(
                f"{path}: [keys]: no action {quote_value(name)}; {spelling_hint(name, action_ids)}"
            )
