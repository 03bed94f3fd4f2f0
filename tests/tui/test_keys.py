"""Keys: each has an id and says what it does, the document tells them all, and none breaks."""

from __future__ import annotations

from collections import Counter
from inspect import signature
from pathlib import Path

import pytest
from textual.actions import parse
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen

from tests.tui.key_table import actions, documents
from tuner.errors import TunerError
from tuner.tui.app import TunerApp
from tuner.tui.shell.bindings import check_configured_keys, declared_bindings, ui_node_classes
from tuner.tui.shell.settings import Settings

WITH_KEYS = [node for node in ui_node_classes() if declared_bindings(node)]


@pytest.mark.parametrize("node", WITH_KEYS, ids=lambda node: node.__name__)
def test_every_binding_has_an_id_and_a_tooltip(node: type[DOMNode]) -> None:
    for binding in declared_bindings(node):
        assert binding.id, binding
        assert binding.id.count(".") == 1, binding.id
        assert binding.description, binding
        assert binding.tooltip, binding


@pytest.mark.parametrize("node", WITH_KEYS, ids=lambda node: node.__name__)
def test_no_key_means_two_things_at_once(node: type[DOMNode]) -> None:
    """Two actions on one key only where `check_action` allows one of them at a time."""
    key_counts = Counter(binding.key for binding in declared_bindings(node))
    twice = {key for key, count in key_counts.items() if count > 1}
    assert not twice or _told_apart(node, twice), twice


def _told_apart(node: type[DOMNode], keys: set[str]) -> bool:
    actions_of: dict[str, list[Binding]] = {}
    for binding in declared_bindings(node):
        if binding.key in keys:
            actions_of.setdefault(binding.key, []).append(binding)
    return all(
        len({binding.action for binding in same}) == len(same) and "check_action" in dir(node)
        for same in actions_of.values()
    )


@pytest.mark.parametrize("node", WITH_KEYS, ids=lambda node: node.__name__)
def test_every_binding_has_an_action_that_takes_its_arguments(node: type[DOMNode]) -> None:
    """Textual says nothing when a key calls an action that does not exist."""
    for binding in declared_bindings(node):
        namespace, name, arguments = parse(binding.action)
        owner = {"": node, "app": TunerApp, "screen": Screen}[namespace]
        action = getattr(owner, f"action_{name}", None) or getattr(owner, f"_action_{name}", None)
        assert action, binding
        signature(action).bind(owner, *arguments)


def test_the_documents_have_the_keys_of_today() -> None:
    for path, text in documents().items():
        assert path.read_text(encoding="utf-8") == text, f"make keys writes {path.name} anew"


def test_actions_are_many_and_each_is_told_once() -> None:
    action_ids = [action.id for action in actions()]
    assert len(action_ids) > 60
    assert len(action_ids) == len(set(action_ids))


def test_a_key_for_nothing_is_refused_with_the_nearest_name() -> None:
    path = Path("config.toml")
    check_configured_keys(Settings(keys={"session.pause": "ctrl+p"}), path)
    with pytest.raises(TunerError, match=r'no action "session.paus"; .*"session.pause"'):
        check_configured_keys(Settings(keys={"session.paus": "ctrl+p"}), path)
