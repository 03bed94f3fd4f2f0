"""Edits of a recipe's text keep what the user wrote around them."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recipe.contract import RECIPE, recipe
from tests.recipe.test_load import ranges
from tuner.errors import TunerError
from tuner.recipe.document import RecipeDocument
from tuner.recipe.load import parse_toml, recipe_to_dict
from tuner.recipe.paths import split_dotted_key, split_expression
from tuner.recipe.toml_text import format_toml_float, format_toml_value
from tuner.recipe.types import FROZEN, Choices, GroupSpec, Range, TiedRate

COMMENTED = """\
# What this is about
preset = "groups"  # the start

[training]
epochs = 3   # enough?
# dropout = 0.1

# The groups.
[[groups]]
# inside of a
name = "a"
layers = "0-5"  # lower half
lr = { low = 1e-6, high = 5e-5 }  # small

# About b.
[[groups]]
name = "b"
lr = 0.00001    # as it was
rest = true

# The search.
[search]
trials = 3
"""


def comments(text: str) -> list[str]:
    """All comments, sorted."""
    return sorted("#" + line.partition("#")[2] for line in text.splitlines() if "#" in line)


def test_text_that_is_not_edited_stays_the_same() -> None:
    assert RecipeDocument.from_text(COMMENTED).toml_text == COMMENTED


def test_a_value_is_exchanged_and_its_comment_stays() -> None:
    document = RecipeDocument.from_text(COMMENTED)
    document.set_value("training.epochs", Range(1, 40, integer=True))
    document.set_value("groups.a.lr.high", 1e-4)
    document.set_value("groups.b.lr", FROZEN)
    expected = COMMENTED.replace("epochs = 3 ", "epochs = { low = 1, high = 40 } ")
    expected = expected.replace("high = 5e-5", "high = 0.0001")
    assert document.toml_text == expected.replace("0.00001 ", '"frozen" ')


def test_a_new_key_goes_to_its_section_above_what_leads_to_the_next() -> None:
    document = RecipeDocument.from_text(COMMENTED)
    document.set_value("training.warmup", 0.1)
    document.set_value("groups.a.weight_decay", 0)
    document.set_value("model.name", "bert-base-uncased")
    lines = document.toml_text
    assert "# dropout = 0.1\nwarmup = 0.1\n\n# The groups.\n[[groups]]" in lines
    assert "# small\nweight_decay = 0\n\n# About b.\n[[groups]]" in lines
    assert lines.endswith('\n\n[model]\nname = "bert-base-uncased"\n')


def test_groups_are_exchanged_and_comments_go_with_them() -> None:
    document = RecipeDocument.from_text(COMMENTED)
    a, b = document.parse_groups()
    head = GroupSpec("head", Range(1e-5, 1e-3, "log"), part=("pooler", "head"))
    document.replace_groups([head, replace(b, lr=3e-5), replace(a, name="lower")])
    assert document.parse_groups() == (head, replace(b, lr=3e-5), replace(a, name="lower"))
    assert comments(document.toml_text) == comments(COMMENTED)
    assert (
        '\n\n# About b.\n[[groups]]\nname = "b"\nlr = 3e-5    # as it was\n' in document.toml_text
    )
    assert '# inside of a\nname = "lower"\nlayers = "0-5"  # lower half\n' in document.toml_text
    assert document.toml_text.endswith("# small\n\n# The search.\n[search]\ntrials = 3\n")
    assert 'part = ["pooler", "head"]\nlr = { low = 1e-5, high = 0.001 }' in document.toml_text


def test_a_deleted_group_takes_its_comments_along_and_no_others() -> None:
    document = RecipeDocument.from_text(COMMENTED)
    document.replace_groups(document.parse_groups()[:1])
    assert comments(document.toml_text) == [
        c for c in comments(COMMENTED) if c not in ("# About b.", "# as it was")
    ]
    assert document.toml_text.endswith("# small\n\n# The search.\n[search]\ntrials = 3\n")


def test_groups_that_stay_leave_the_text_alone() -> None:
    document = RecipeDocument.from_text(COMMENTED)
    document.replace_groups(document.parse_groups())
    assert document.toml_text == COMMENTED


@pytest.mark.parametrize(
    "text", ["", "[model]\nname = 'a'", 'groups = [{name = "x", rest = true, lr = 1}]\n']
)
def test_groups_into_a_document_without_such_tables(text: str) -> None:
    document = RecipeDocument.from_text(text)
    document.replace_groups(recipe().groups)
    assert document.parse_groups() == recipe().groups


def test_wrong_groups_are_refused() -> None:
    document = RecipeDocument.from_text(COMMENTED)
    a, _ = document.parse_groups()
    with pytest.raises(TunerError, match=r"recipe.toml: groups.a.name: two groups"):
        document.replace_groups([a, a])


SET = [
    ("training.epochs=5", "epochs", 5),
    ("training.epochs={low=1,high=4}", "epochs", Range(1, 4, integer=True)),
    ("training.epochs.high=4", "epochs", Range(1, 4, integer=True)),
    ("training.warmup = 0.1", "warmup", 0.1),
    ("training.schedule=cosine", "schedule", "cosine"),
    ("training.seed=per-trial", "seed", "per-trial"),
    ("training.batch_size={choices=[16,32]}", "batch_size", Choices((16, 32))),
]


@pytest.mark.parametrize(("expression", "key", "value"), SET)
def test_set_expressions_of_the_training_section(expression: str, key: str, value: object) -> None:
    document = RecipeDocument.from_text(RECIPE)
    document.set_expression(expression)
    assert getattr(document.parse_recipe().training, key) == value


@pytest.mark.parametrize(
    ("expression", "group", "lr"),
    [
        ("groups.head.lr={low=1e-5,high=1e-3}", "head", Range(1e-5, 1e-3, "log")),
        ("groups.head.lr.high=0.5", "head", Range(0.0, 0.5, "linear")),
        ("groups.head.lr=frozen", "head", FROZEN),
        ("groups.layers 0-5.lr=1e-5", "layers 0-5", 1e-5),
        ('groups."layers 0-5".lr=1e-5', "layers 0-5", 1e-5),
        ("groups.'layers 0-5'.lr = 1e-5", "layers 0-5", 1e-5),
        ("groups.the rest.lr={choices=[1e-5,2e-5]}", "the rest", Choices((1e-5, 2e-5))),
    ],
)
def test_set_expressions_of_groups(expression: str, group: str, lr: object) -> None:
    document = RecipeDocument.from_text(RECIPE)
    document.set_expression(expression)
    assert {g.name: g.lr for g in document.parse_recipe().groups}[group] == lr


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("groups.haed.lr=1", 'groups.haed.lr: no such key; did you mean "groups.head.lr"?'),
        ("groups.head.rl=1", 'groups.head.rl: no such key; did you mean "groups.head.lr"?'),
        ("groups.head.lr.lwo=1", "groups.head.lr.lwo: no such key; write groups.head.lr.low"),
        ("groups.the rest.lr.low=1", "groups.the rest.lr.low: there is no range; write "),
        ("groups.head.lr={low=1,high=0}", "groups.head.lr.low: 1 is above high = 0"),
        ("groups.head=1", "groups: write groups.NAME.KEY"),
        ("groups.head.name=the rest", "groups.the rest.name: two groups"),
        ("groups.head.part=head", "groups.head: needs exactly one of"),
        ("training.epoch=1", 'training.epoch: no such key; did you mean "training.epochs"?'),
        ("training.epochs=2.5", "training.epochs: must be a whole number"),
        ("training.epochs=many", "training.epochs: must be a whole number"),
        ("training.epochs=", "training.epochs: has no value"),
        ("training.epochs={low=1", 'training.epochs: "{low=1" is not TOML'),
        ("training.seed.low=1", "training.seed.low: no such key"),
        ("training=1", "training: no such key; write training.KEY"),
        ("epochs=1", 'epochs: no such key; did you mean "training.epochs"?'),
        ("trainin.epochs=1", 'trainin.epochs: no such key; did you mean "training.epochs"?'),
        ("search.trails=3", 'search.trails: no such key; did you mean "search.trials"?'),
        ("trails=3", 'trails: no such key; did you mean "search.trials"?'),
        ("budget.time=8h", 'budget.time: no such key; did you mean "search.time"?'),
        ("lr.haed=1", 'lr.haed: no such key; did you mean "groups.head.lr"?'),
        ("search.xyz=1", "search.xyz: no such key; write search.KEY with a key of metric, "),
        ("preset=gruops", 'preset: no preset "gruops"; did you mean "groups"?'),
        ("training.epochs", '"training.epochs" is not KEY=VALUE'),
        ("=3", '"=3" is not KEY=VALUE'),
        ("training..epochs=3", '"training..epochs" is not a key'),
        ("training.=3", '"training." is not a key'),
    ],
)
def test_wrong_expressions_leave_the_text_alone(expression: str, message: str) -> None:
    document = RecipeDocument.from_text(RECIPE)
    with pytest.raises(TunerError) as caught:
        document.set_expression(expression)
    assert str(caught.value).startswith(f"--set: {message}")
    assert str(caught.value).isprintable()
    assert document.toml_text == RECIPE


def test_values_that_look_like_nothing_else_are_text() -> None:
    assert split_expression("data.train=data/RTE/train.jsonl", "") == (
        "data.train",
        "data/RTE/train.jsonl",
    )
    assert split_expression("search.time=8h", "")[1] == "8h"
    assert split_expression("data.label=3", "")[1] == 3
    assert split_expression("data.label='3'", "")[1] == "3"
    assert split_expression("data.train=1\nx = 2", "")[1] == "1\nx = 2"
    assert split_expression("data.train=a=b", "")[1] == "a=b"
    assert split_dotted_key("a.'b.c'.d e", "") == ["a", "b.c", "d e"]


def test_an_incomplete_document_names_what_is_missing() -> None:
    document = RecipeDocument.from_text(COMMENTED, "my.toml")
    with pytest.raises(TunerError, match=r"^my.toml: model.name: is missing"):
        document.parse_recipe()
    assert [group.name for group in document.parse_groups()] == ["a", "b"]


@pytest.mark.parametrize("text", ["training = 3", "groups = 3", "[[training]]", "[groups]"])
def test_sections_that_are_no_tables(text: str) -> None:
    document = RecipeDocument.from_text(text)
    for key in ("training.epochs", "groups.head.lr"):
        document.remove_key(key)
        assert document.get_value(key) is None
    with pytest.raises(
        TunerError,
        match=r"training: must be a table|groups.head.lr: no such key; groups here: none",
    ):
        document.set_value("groups.head.lr" if "groups" in text else "training.epochs", 1)
    with pytest.raises(TunerError):
        document.parse_recipe()


def test_get_and_unset() -> None:
    document = RecipeDocument.from_text(COMMENTED)
    assert document.get_value("training.epochs") == 3
    assert document.get_value("groups.a.lr") == {"low": 1e-6, "high": 5e-5}
    assert document.get_value("groups.a.lr.low") == 1e-6
    assert document.get_value("groups.none.lr") is None
    assert document.get_value("model.name") is None
    document.remove_key("training.epochs")
    document.remove_key("groups.a.layers")
    document.remove_key("model.name")
    assert document.get_value("training.epochs") is None
    assert document.get_value("groups.a.layers") is None


def test_files_are_private_and_written_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o644)
    document = RecipeDocument.from_text(COMMENTED)
    document.save_atomically(path)
    assert path.read_text(encoding="utf-8") == COMMENTED
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["recipe.toml"]
    assert RecipeDocument.from_file(path).toml_text == COMMENTED
    with pytest.raises(TunerError, match="cannot be written: no such file"):
        document.save_atomically(tmp_path / "none" / "recipe.toml")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_read_back_as_they_were(value: float) -> None:
    assert parse_toml(f"v = {format_toml_float(value)}", "r")["v"] == value


toml_values = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(toml_values)
def test_values_read_back_as_they_were(value: object) -> None:
    assert parse_toml(f"v = {format_toml_value(value)}", "r")["v"] == value


@st.composite
def group_lists(draw: st.DrawFn) -> list[GroupSpec]:
    count = draw(st.integers(1, 4))
    group_names = draw(st.permutations(["a", "b", "c d", "é"]))[:count]
    lrs = st.floats(0, 1) | ranges() | st.just(FROZEN)
    groups = [
        GroupSpec(name, draw(lrs), layers=str(draw(st.integers(0, 9)))) for name in group_names
    ]
    ties = st.just(None) | st.builds(
        TiedRate, st.just(group_names[0]), st.floats(1e-3, 1e3) | ranges()
    )
    decays = st.none() | st.floats(0.01, 1) | ranges()
    tied = [replace(g, lr=draw(ties) or g.lr, layer_decay=draw(decays)) for g in groups[1:]]
    return [groups[0], *tied]


@given(st.lists(group_lists(), min_size=1, max_size=4))
def test_any_sequence_of_edits_says_what_was_meant(steps: list[list[GroupSpec]]) -> None:
    document = RecipeDocument.from_text(COMMENTED)
    for groups in steps:
        document.replace_groups(groups)
        assert document.parse_groups() == tuple(groups)
    assert document.get_value("search.trials") == 3
    assert "# The search.\n[search]" in document.toml_text
    assert "# The groups.\n[[groups]]" in document.toml_text


def test_a_document_of_every_value_is_the_same_recipe() -> None:
    document = RecipeDocument.from_text("")
    for section, keys in recipe_to_dict(recipe()).items():
        if isinstance(keys, dict):
            for key, value in keys.items():
                document.set_value(f"{section}.{key}", value)
    document.replace_groups(recipe().groups)
    assert document.parse_recipe() == recipe()
