"""Edits of groups keep every layer in exactly one of them."""

from __future__ import annotations

import contextlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recipe.contract import roberta
from tuner.errors import TunerError
from tuner.recipe import grouping
from tuner.recipe.field_parsers import Location
from tuner.recipe.grouping import Groups
from tuner.recipe.groups import resolve_groups
from tuner.recipe.load import group_to_dict, parse_groups
from tuner.recipe.types import FROZEN, GroupSpec, Range, TiedRate

COUNT = 12
SMALL = Range(1e-6, 5e-5, "log")
START: Groups = (
    GroupSpec("embeddings", 1e-6, part="embeddings"),
    GroupSpec("layers 0-5", SMALL, layers="0-5"),
    GroupSpec("layers 6-11", 3e-5, layers="2/2", weight_decay=0.1),
    GroupSpec("head", 1e-3, part=("pooler", "head")),
    GroupSpec("the rest", 1e-5, rest=True),
)


def layers(groups: Groups) -> dict[str, tuple[int, ...]]:
    """Return the layers of each group that has some."""
    layers_by_group = {group.name: grouping.layers_of_group(group, COUNT) for group in groups}
    return {name: indices for name, indices in layers_by_group.items() if indices}


def test_split() -> None:
    groups = grouping.split_group_at_layer(START, "layers 6-11", 8, COUNT)
    assert layers(groups) == {
        "layers 0-5": tuple(range(6)), "layers 6-7": (6, 7), "layers 8-11": (8, 9, 10, 11),
    }  # fmt: skip
    assert [g.weight_decay for g in groups] == [None, None, 0.1, 0.1, None, None]
    for name, layer in (("layers 0-5", 0), ("layers 0-5", 6), ("head", 1), ("the rest", 3)):
        with pytest.raises(TunerError, match="cannot be split"):
            grouping.split_group_at_layer(START, name, layer, COUNT)


def test_a_part_of_all_layers_can_be_split() -> None:
    groups = grouping.split_group_at_layer(
        (GroupSpec("body", 1e-5, part="layers"),), "body", 4, COUNT
    )
    assert groups == (
        GroupSpec("layers 0-3", 1e-5, layers="0-3"),
        GroupSpec("layers 4-11", 1e-5, layers="4-11"),
    )


def test_merge() -> None:
    groups = grouping.merge_groups(START, "layers 0-5", "layers 6-11", COUNT)
    assert groups[1] == GroupSpec("layers 0-11", SMALL, layers="0-11")
    backwards = grouping.merge_groups(START, "layers 6-11", "layers 0-5", COUNT)
    assert backwards[1] == GroupSpec("layers 0-11", 3e-5, layers="0-11", weight_decay=0.1)
    parts = grouping.merge_groups(START, "head", "embeddings", COUNT)
    assert parts[0] == GroupSpec("head", 1e-3, part=("embeddings", "pooler", "head"))
    merged_groups = grouping.merge_groups(START, "embeddings", "the rest", COUNT)
    assert merged_groups[0] == GroupSpec("embeddings", 1e-6, rest=True)
    names = tuple(GroupSpec(n, 1e-5, params=(n, "both")) for n in "ab")
    assert grouping.merge_groups(names, "a", "b", COUNT)[0].params == ("a", "both", "b")
    for pair in (("head", "layers 0-5"), ("head", "head")):
        with pytest.raises(TunerError, match="cannot be merged"):
            grouping.merge_groups(START, *pair, COUNT)
    with pytest.raises(TunerError, match='no group "haed"; did you mean "head"'):
        grouping.merge_groups(START, "haed", "head", COUNT)


def test_add_takes_layers_and_parts_from_the_others() -> None:
    groups = grouping.insert_group(START, GroupSpec("mid", 1e-5, layers="4-7"), COUNT)
    assert layers(groups) == {
        "layers 0-5": (0, 1, 2, 3), "layers 6-11": (8, 9, 10, 11), "mid": (4, 5, 6, 7),
    }  # fmt: skip
    assert groups[-1].rest
    groups = grouping.insert_group(START, GroupSpec("all", 1e-5, part="layers"), COUNT)
    assert layers(groups) == {"all": tuple(range(COUNT))}
    groups = grouping.insert_group(START, GroupSpec("pool", 1e-5, part="pooler"), COUNT)
    assert next(g for g in groups if g.name == "head").part == "head"
    for wrong in (
        GroupSpec("head", 1, layers="0"),
        GroupSpec("x", 1, rest=True),
        GroupSpec("a.b", 1),
    ):
        with pytest.raises(TunerError):
            grouping.insert_group(START, wrong, COUNT)
    together = (GroupSpec("most", 1e-5, part=("layers", "head")),)
    with pytest.raises(TunerError, match="as a whole first"):
        grouping.insert_group(together, GroupSpec("one", 1e-5, layers="0"), COUNT)
    assert (
        grouping.insert_group(together, GroupSpec("all", 1, layers="0-11"), COUNT)[0].part == "head"
    )


def test_delete_leaves_the_layers_to_the_rest() -> None:
    groups = grouping.delete_group(START, "layers 0-5")
    assert [g.name for g in groups] == ["embeddings", "layers 6-11", "head", "the rest"]
    without = grouping.delete_group(START[1:3], "layers 0-5")
    assert without[-1] == GroupSpec("the rest", SMALL, rest=True)
    with pytest.raises(TunerError, match="cannot be deleted"):
        grouping.delete_group(START, "the rest")


def test_rates_and_names() -> None:
    assert grouping.freeze_group(START, "head")[3].lr == FROZEN
    assert grouping.fix_group_rate(START, "head", 0.5)[3].lr == 0.5
    assert grouping.set_group_rate(START, "head", SMALL)[3].lr == SMALL
    assert grouping.set_weight_decay(START, "head", 0.2)[3].weight_decay == 0.2
    assert grouping.rename_group(START, "head", "top")[3].name == "top"
    assert grouping.rename_group(START, "head", "head") == START
    for wrong in ("embeddings", "a.b", "", " x"):
        with pytest.raises(TunerError):
            grouping.rename_group(START, "head", wrong)


def test_regroup_by_layers() -> None:
    groups = grouping.regroup_layers_by_size(START, COUNT, 4)
    assert [g.name for g in groups] == [
        "embeddings", "layers 0-3", "layers 4-7", "layers 8-11", "head", "the rest",
    ]  # fmt: skip
    assert [g.lr for g in groups[1:4]] == [SMALL, SMALL, 3e-5]
    assert [g.name for g in grouping.regroup_layers_by_size(START, COUNT, 5)][1:4] == [
        "layers 0-4", "layers 5-9", "layers 10-11",
    ]  # fmt: skip
    assert [g.name for g in grouping.regroup_layers_by_size(START, 1, 5)][1] == "layer 0"
    only_rest = (GroupSpec("all", 1e-5, rest=True),)
    assert [g.name for g in grouping.regroup_layers_by_size(only_rest, 2, 1)] == [
        "layer 0",
        "layer 1",
        "all",
    ]
    mixed = (GroupSpec("most", 1e-5, part=("layers", "head")),)
    assert grouping.regroup_layers_by_size(mixed, 2, 2)[-1] == GroupSpec("most", 1e-5, part="head")
    for count, size in ((12, 0), (0, 3)):
        with pytest.raises(TunerError, match="cannot make groups of"):
            grouping.regroup_layers_by_size(START, count, size)


edits = st.lists(
    st.one_of(
        st.tuples(st.just("split"), st.integers(0, 20), st.integers(0, COUNT)),
        st.tuples(st.just("merge"), st.integers(0, 20), st.integers(0, 20)),
        st.tuples(st.just("delete"), st.integers(0, 20), st.just(0)),
        st.tuples(st.just("add"), st.integers(0, COUNT - 1), st.integers(0, COUNT - 1)),
        st.tuples(st.just("regroup"), st.integers(1, COUNT), st.just(0)),
        st.tuples(st.just("rename"), st.integers(0, 20), st.integers(0, 20)),
        st.tuples(st.just("tie"), st.integers(0, 20), st.integers(0, 20)),
        st.tuples(st.just("decay"), st.integers(0, 20), st.just(0)),
    ),
    max_size=8,
)


def apply_edit(groups: Groups, edit: tuple[str, int, int]) -> Groups:
    kind, first, second = edit
    name, other_name = groups[first % len(groups)].name, groups[second % len(groups)].name
    if kind == "split":
        return grouping.split_group_at_layer(groups, name, second, COUNT)
    if kind == "merge":
        return grouping.merge_groups(groups, name, other_name, COUNT)
    if kind == "delete":
        return grouping.delete_group(groups, name)
    if kind == "add":
        span = f"{min(first, second)}-{max(first, second)}"
        return grouping.insert_group(groups, GroupSpec(f"new {span}", 1e-5, layers=span), COUNT)
    if kind == "regroup":
        return grouping.regroup_layers_by_size(groups, COUNT, first)
    if kind == "tie":
        return grouping.set_group_rate(groups, name, TiedRate(other_name, 2.0))
    if kind == "decay":
        return grouping.set_layer_decay(groups, name, 0.9)
    return grouping.rename_group(groups, name, f"name {second}")


@given(edits)
def test_any_edits_leave_a_good_division(
    steps: list[tuple[str, int, int]],
) -> None:
    groups = START
    for step in steps:
        with contextlib.suppress(TunerError):
            groups = apply_edit(groups, step)
        assert len({group.name for group in groups}) == len(groups)
        counts = Counter(i for g in groups for i in grouping.layers_of_group(g, COUNT))
        assert set(counts.values()) <= {1}
        resolved = resolve_groups(groups, roberta(COUNT))
        assert sum(len(group.parameters) for group in resolved) == len(roberta(COUNT))
        assert parse_groups([group_to_dict(group) for group in groups], Location("")) == groups
