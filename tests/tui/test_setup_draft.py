"""The draft with its undo, the typed group edits, and what holds after any sequence of them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tui.setup_harness import LAYERS, complete_document, make_session, model_description
from tuner.errors import TunerError
from tuner.recipe import grouping
from tuner.recipe.document import RecipeDocument
from tuner.recipe.groups import part_of_parameter, resolve_groups
from tuner.recipe.rates import group_rate_setting
from tuner.recipe.types import FROZEN, GroupSpec, Range
from tuner.session.events import SessionStopped
from tuner.session.writer import EventWriter
from tuner.tui.setup import group_edits
from tuner.tui.setup.draft import Draft, write_group_edits
from tuner.tui.setup.inspection import parameters_of, partition_model
from tuner.tui.setup.range_steps import step_rate, toggle_fixed, toggle_frozen
from tuner.tui.setup.session_history import SessionHistory

PARAMETERS = parameters_of(model_description())
TEXT = complete_document().toml_text
Groups = tuple[GroupSpec, ...]


def draft() -> Draft:
    return Draft(TEXT)


@cache
def complete_groups() -> Groups:
    return complete_document().parse_groups()


def groups_of(edited_draft: Draft) -> Groups:
    assert edited_draft.recipe is not None
    return edited_draft.recipe.groups


def rate_of(edited_draft: Draft, name: str) -> object:
    return next(group.lr for group in groups_of(edited_draft) if group.name == name)


def test_an_edit_can_be_undone_and_redone() -> None:
    edited = draft()
    before = edited.recipe_text
    edited.apply_edit("warmup", lambda document: document.set_value("training.warmup", 0.1))
    after = edited.recipe_text
    assert edited.has_unsaved_changes
    assert after != before
    assert edited.undo_edit() == "warmup"
    assert (edited.recipe_text, edited.has_unsaved_changes) == (before, False)
    assert edited.redo_edit() == "warmup"
    assert edited.recipe_text == after


def test_a_wrong_edit_changes_nothing() -> None:
    edited = draft()
    before = edited.recipe_text

    def spoil(document: RecipeDocument) -> None:
        document.set_value("training.warmup", 0.2)
        document.set_value("data.test", "test.csv")

    with pytest.raises(TunerError, match="holdout"):
        edited.apply_edit("test", spoil)
    assert edited.recipe_text == before
    edited.apply_edit("seed", lambda document: document.set_value("search.seed", 5))
    assert "warmup = 0.06" in edited.recipe_text
    edited.undo_edit()
    with pytest.raises(TunerError, match="nothing to undo"):
        edited.undo_edit()


def test_an_edit_that_changes_nothing_is_no_step() -> None:
    edited = draft()
    edited.apply_edit("same", lambda document: document.set_value("training.warmup", 0.06))
    with pytest.raises(TunerError, match="nothing to undo"):
        edited.undo_edit()


def test_a_drag_is_one_step() -> None:
    edited = draft()
    before = edited.recipe_text
    for rate in (1e-4, 2e-4, 5e-4):
        groups = grouping.set_group_rate(groups_of(edited), "head", rate)

        def put(document: RecipeDocument, groups: Groups = groups) -> None:
            write_group_edits(document, groups)

        edited.apply_edit("head", put, drag_id="drag 1")
    edited.undo_edit()
    assert edited.recipe_text == before


def test_comments_survive_edits() -> None:
    edited = Draft(
        "# mine\n" + complete_document().toml_text.replace("rest = true", "rest = true # r")
    )
    groups = group_edits.split_at_layer(groups_of(edited), "quarter 1", "1", PARAMETERS)
    edited.apply_edit("split", lambda document: document.replace_groups(groups))
    edited.apply_edit("epochs", lambda document: document.set_value("training.epochs", 4))
    assert edited.recipe_text.startswith("# mine\n")
    assert "rest = true # r" in edited.recipe_text
    assert "# share of all updates" in edited.recipe_text


def test_a_broken_text_from_the_editor_can_be_taken_back() -> None:
    edited = draft()
    recipe = edited.recipe
    edited.replace_text("the editor", "[model\n")
    assert "line" in edited.problem
    assert edited.recipe is recipe
    with pytest.raises(TunerError, match=r"ctrl\+e"):
        edited.apply_edit("seed", lambda document: document.set_value("search.seed", 1))
    edited.undo_edit()
    assert not edited.problem


def test_a_stopped_session_is_read_only(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    assert not SessionHistory.from_session(session).read_only_reason
    with EventWriter(session.events_path) as writer:
        writer.append_event(SessionStopped(reason="asked for"))
    reason = SessionHistory.from_session(session).read_only_reason
    assert "stopped for good" in reason
    edited = Draft(complete_document().toml_text, read_only=reason)
    for change in (edited.undo_edit, lambda: edited.replace_text("x", "y")):
        with pytest.raises(TunerError, match="stopped for good"):
            change()


ADDED = {
    "9-11": ("layers 9-11", "layers 9-11"),
    "layers 9 - 11": ("layers 9-11", "layers 9-11"),
    "top = 11": ("top", "layers 11"),
    "embeddings": ("embeddings (2)", "embeddings"),
    "out = classifier.out_proj.*": ("out", "classifier.out_proj.*"),
    "classifier.dense.weight, classifier.dense.bias": (
        "classifier dense weight",
        "classifier.dense.weight classifier.dense.bias",
    ),
}


@pytest.mark.parametrize("typed", [typed for typed in ADDED if typed != "embeddings"])
def test_a_group_is_added_as_typed(typed: str) -> None:
    groups, name = group_edits.add_group_from_text(groups_of(draft()), typed, PARAMETERS)
    added = next(group for group in groups if group.name == name)
    assert (name, group_edits.selector_text(added)) == ADDED[typed]
    assert not partition_model(groups, PARAMETERS).problem


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "nothing to put"),
        ("top =", "nothing to put"),
        ("= 9", "nothing to put"),
        ("5-2", "is not a layer expression"),
        ("99", "layers 0-11"),
        ("head = 3", "already"),
        ("clasifier.*", "matches no parameter"),
        ("a.b = 3", "cannot contain"),
    ],
)
def test_a_group_that_cannot_be_is_refused(typed: str, reason: str) -> None:
    with pytest.raises(TunerError, match=reason):
        group_edits.add_group_from_text(groups_of(draft()), typed, PARAMETERS)


def test_names_are_not_taken_out_of_a_large_group() -> None:
    groups = complete_document("demo").parse_groups()
    with pytest.raises(TunerError, match="split it first"):
        group_edits.add_group_from_text(groups, "*.bias", PARAMETERS)


def test_layers_are_counted_by_the_model_or_by_the_groups_themselves() -> None:
    plain = (GroupSpec("low", 1e-5, layers="0-3"), GroupSpec("high", 1e-4, layers="4-7"))
    assert group_edits.count_layers_in_groups(plain, None) == 8
    assert group_edits.count_layers_in_groups(plain, PARAMETERS) == LAYERS
    with pytest.raises(TunerError, match="until the model is read"):
        group_edits.count_layers_in_groups(groups_of(draft()), None)


Action = tuple[str, int, int]
actions = st.lists(
    st.tuples(
        st.sampled_from(
            ("low", "high", "both", "fix", "freeze", "delete", "merge", "split", "add", "regroup")
        ),
        st.integers(0, 30),
        st.integers(-1, 13),
    ),
    max_size=12,
)


def act(groups: Groups, action: Action) -> Groups:
    """Do what one key of the editor does to the group that the cursor is on."""
    kind, where, number = action
    group = groups[where % len(groups)]
    direction = 1 if number % 2 else -1
    match kind:
        case "low" | "high" | "both":
            end = {"low": "low", "high": "high", "both": "both"}[kind]
            lr = step_rate(group.lr, end, direction)  # type: ignore[arg-type]
            return grouping.set_group_rate(groups, group.name, lr)
        case "fix":
            return grouping.set_group_rate(
                groups, group.name, toggle_fixed(group_rate_setting(groups, group), None)
            )
        case "freeze":
            return grouping.set_group_rate(groups, group.name, toggle_frozen(group.lr, None))
        case "delete":
            return grouping.delete_group(groups, group.name)
        case "merge":
            return group_edits.merge_with_next(groups, group.name, PARAMETERS)
        case "split":
            return group_edits.split_at_layer(groups, group.name, str(number), PARAMETERS)
        case "add":
            selectors = (f"{number}", f"{number}-11", "classifier.dense.*", "*.bias")
            return group_edits.add_group_from_text(groups, selectors[where % 4], PARAMETERS)[0]
        case _:
            return group_edits.regroup_layers(groups, str(number), PARAMETERS)


def holds_everything_once(groups: Groups) -> bool:
    """Whether every parameter is in one group, and no layer in two groups of layers."""
    resolved = resolve_groups(groups, PARAMETERS)
    names = [
        parameter.name for resolved_group in resolved for parameter in resolved_group.parameters
    ]
    by_layers = [
        resolved_group for resolved_group in resolved if resolved_group.spec.params is None
    ]
    layers = [
        layer
        for resolved_group in by_layers
        for layer in {
            part_of_parameter(parameter.name)[1] for parameter in resolved_group.parameters
        }
        if layer is not None
    ]
    everything = sorted(parameter.name for parameter in PARAMETERS)
    return sorted(names) == everything and len(set(layers)) == len(layers)


def apply_action(groups: Groups, key: Action) -> Groups:
    """Return the groups after a key, or as they were where the editor refuses it."""
    try:
        changed = act(groups, key)
    except TunerError:
        return groups
    return groups if partition_model(changed, PARAMETERS).problem else changed


@settings(max_examples=60, deadline=None)
@given(actions)
def test_any_keys_keep_each_layer_in_exactly_one_group(keys: list[Action]) -> None:
    groups = complete_groups()
    for key in keys:
        groups = apply_action(groups, key)
        assert holds_everything_once(groups)
        assert len({group.name for group in groups}) == len(groups)


@settings(max_examples=8, deadline=None)
@given(actions)
def test_undo_leads_back_from_any_keys(keys: list[Action]) -> None:
    edited = draft()
    start, done = edited.recipe_text, 0
    for key in keys[:6]:
        before = edited.recipe_text
        groups = apply_action(groups_of(edited), key)

        def put(document: RecipeDocument, groups: Groups = groups) -> None:
            write_group_edits(document, groups)

        edited.apply_edit(str(key), put)
        done += edited.recipe_text != before
        assert RecipeDocument.from_text(edited.recipe_text).parse_groups() == groups
    for _ in range(done):
        edited.undo_edit()
    assert edited.recipe_text == start


def test_a_range_survives_freezing() -> None:
    edited = draft()
    head = rate_of(edited, "head")
    assert isinstance(head, Range)
    assert toggle_frozen(toggle_frozen(head, None), head) == head
    assert toggle_frozen(head, None) == FROZEN
