"""Which parameters a group holds."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recipe.contract import roberta
from tuner.errors import TunerError
from tuner.recipe.groups import count_encoder_layers, part_of_parameter, resolve_groups
from tuner.recipe.layers import format_layer_expression, resolve_layer_expression
from tuner.recipe.types import GroupSpec, Parameter

PARTS = [
    ("bert.embeddings.word_embeddings.weight", "embeddings", None),
    ("bert.embeddings.LayerNorm.bias", "embeddings", None),
    ("bert.encoder.layer.11.output.dense.weight", "layer", 11),
    ("bert.pooler.dense.weight", "pooler", None),
    ("classifier.weight", "head", None),
    ("roberta.encoder.layer.3.attention.self.query.bias", "layer", 3),
    ("classifier.out_proj.bias", "head", None),
    ("electra.embeddings_project.weight", "embeddings", None),
    ("distilbert.transformer.layer.5.ffn.lin1.weight", "layer", 5),
    ("pre_classifier.weight", "head", None),
    ("deberta.encoder.rel_embeddings.weight", "embeddings", None),
    ("deberta.encoder.LayerNorm.weight", "embeddings", None),
    ("deberta.encoder.conv.conv.weight", "embeddings", None),
    ("deberta.encoder.layer.0.attention.output.LayerNorm.weight", "layer", 0),
    ("pooler.dense.bias", "pooler", None),
    ("model.embeddings.tok_embeddings.weight", "embeddings", None),
    ("model.layers.21.mlp.Wi.weight", "layer", 21),
    ("model.final_norm.weight", "head", None),
    ("head.dense.weight", "head", None),
    ("head.norm.weight", "head", None),
    ("albert.encoder.embedding_hidden_mapping_in.weight", "embeddings", None),
    ("albert.encoder.albert_layer_groups.0.albert_layers.0.ffn.weight", "layer", 0),
    ("albert.pooler.weight", "pooler", None),
    ("mpnet.encoder.relative_attention_bias.weight", "embeddings", None),
    ("transformer.h.7.attn.c_attn.weight", "layer", 7),
    ("transformer.wte.weight", "embeddings", None),
    ("transformer.ln_f.weight", "head", None),
    ("score.weight", "head", None),
    ("encoder.block.4.layer.0.SelfAttention.q.weight", "layer", 4),
    ("encoder.final_layer_norm.weight", "head", None),
    ("shared.weight", "embeddings", None),
    ("classifier.layers.0.weight", "head", None),
    ("something_new.weight", "head", None),
]


@pytest.mark.parametrize(("name", "part", "index"), PARTS)
def test_part_of(name: str, part: str, index: int | None) -> None:
    assert part_of_parameter(name) == (part, index)


FOUR = [GroupSpec(f"quarter {k}", 1e-5, layers=f"{k}/4") for k in (1, 2, 3, 4)]
REST = GroupSpec("the rest", 1e-5, rest=True)


def members(groups: list[GroupSpec], parameters: list[Parameter]) -> dict[str, list[str]]:
    """List the names of each group's parameters."""
    resolved = resolve_groups(groups, parameters)
    return {group.spec.name: [p.name for p in group.parameters] for group in resolved}


def test_selectors_in_the_order_of_the_model() -> None:
    groups = [
        GroupSpec("head", 1e-4, params=("classifier.out_proj.*", "classifier.dense.bias")),
        GroupSpec("low", 1e-5, layers="1,0"),
        REST,
    ]
    members_by_group = members(groups, roberta(3))
    assert list(members_by_group) == ["head", "low", "the rest"]
    assert members_by_group["head"] == [
        "classifier.dense.bias",
        "classifier.out_proj.weight",
        "classifier.out_proj.bias",
    ]
    assert [part_of_parameter(name)[1] for name in members_by_group["low"]] == [0, 0, 1, 1]
    assert members_by_group["the rest"][0] == "roberta.embeddings.word_embeddings.weight"
    assert sum(map(len, members_by_group.values())) == len(roberta(3))


def test_sizes_count_elements() -> None:
    (group,) = resolve_groups([REST], roberta(1))
    assert (
        group.element_count
        == sum(p.element_count for p in roberta(1))
        == 8 + 4 + 8 + 4 + 2 * (8 + 4)
    )


def test_slices_of_shallow_encoders_are_left_out() -> None:
    assert list(members([*FOUR, REST], roberta(1))) == ["quarter 4", "the rest"]
    assert list(members([*FOUR, REST], roberta(2))) == ["quarter 2", "quarter 4", "the rest"]
    assert len(members([*FOUR, REST], roberta(24))["quarter 2"]) == 12
    assert count_encoder_layers(roberta(5)) == 5
    assert count_encoder_layers(roberta(0)) == 0


def test_a_rest_of_nothing_is_left_out() -> None:
    parts = [GroupSpec(p, 1e-5, part=p) for p in ("embeddings", "layers", "head")]
    assert list(members([*parts, REST], roberta(2))) == ["embeddings", "layers", "head"]


def test_of_several_parts_one_must_be_there() -> None:
    both = GroupSpec("top", 1e-5, part=("pooler", "head"))
    assert len(members([both, REST], roberta(2))["top"]) == 4
    for missing in ("pooler", ("pooler",)):
        with pytest.raises(TunerError, match=r"groups.top.part: the model has no pooler; it has "):
            resolve_groups([GroupSpec("top", 1e-5, part=missing), REST], roberta(2))


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (
            [GroupSpec("low", 1, layers="0"), GroupSpec("head", 1, part="head")],
            r"groups: 4 parameters \(roberta.embeddings.word_embeddings.weight, .*, …\) are in no "
            "group; add a group with rest = true",
        ),
        (
            [GroupSpec("a", 1, layers="0-1"), GroupSpec("b", 1, layers="1"), REST],
            r"groups: 2 parameters \(roberta.encoder.layer.1.*\) are in two groups: .a. and .b.",
        ),
        (
            [GroupSpec("a", 1, part="head"), GroupSpec("b", 1, params=("*.dense.weight",)), REST],
            r"groups: 1 parameter \(classifier.dense.weight\) is in two groups",
        ),
        (
            [GroupSpec("a", 1, params=("clasifier.dense.weight",)), REST],
            r"groups.a.params: .* matches no parameter; did you mean \"classifier.dense.weight\"\?",
        ),
        ([GroupSpec("a", 1, params=("xyz*",)), REST], "groups.a.params: .*tuner groups"),
        ([GroupSpec("a", 1, layers="1-2"), REST], "groups.a.layers: there is no layer 2: .* 0-1"),
        ([], r"groups: 10 parameters .* in no group"),
    ],
)
def test_what_is_refused(groups: list[GroupSpec], message: str) -> None:
    with pytest.raises(TunerError, match=message) as caught:
        resolve_groups(groups, roberta(2))
    assert "\n" not in str(caught.value)


def test_slices_of_nothing_are_refused() -> None:
    with pytest.raises(TunerError, match=r'groups.quarter 1.layers: "1/4" holds nothing'):
        resolve_groups([*FOUR, REST], roberta(0))
    with pytest.raises(TunerError, match="no numbered layers"):
        resolve_groups([GroupSpec("a", 1, layers="0"), REST], roberta(0))


@given(st.integers(1, 40), st.integers(1, 12))
def test_slices_share_out_all_layers_evenly(layers: int, slices: int) -> None:
    parts = [resolve_layer_expression(f"{k}/{slices}", layers) for k in range(1, slices + 1)]
    assert sum(parts, ()) == tuple(range(layers))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@given(st.sets(st.integers(0, 40), min_size=1))
def test_expressions_say_the_layers_they_were_made_of(indices: set[int]) -> None:
    assert resolve_layer_expression(format_layer_expression(indices), 41) == tuple(sorted(indices))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.booleans())
def test_every_parameter_is_in_exactly_one_group(owners: list[int], has_rest_group: bool) -> None:
    groups = [
        GroupSpec(
            str(k), 1e-5, layers=format_layer_expression(i for i, o in enumerate(owners) if o == k)
        )
        for k in sorted(set(owners))
    ]
    parts = [] if has_rest_group else [GroupSpec("other", 1e-5, part=("embeddings", "head"))]
    members_by_group = members(
        [*groups, *parts, *([REST] if has_rest_group else [])], roberta(len(owners))
    )
    assert sorted(chain.from_iterable(members_by_group.values())) == sorted(
        p.name for p in roberta(len(owners))
    )
