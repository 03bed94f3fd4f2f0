"""Parts and groups of the real architectures, without weights (on torch's meta device)."""

from __future__ import annotations

from itertools import chain
from typing import Any

import pytest

from tuner.recipe.groups import count_encoder_layers, part_of_parameter, resolve_groups
from tuner.recipe.presets import preset_document
from tuner.recipe.types import Parameter

pytestmark = pytest.mark.slow  # importing the two takes seconds

LAYERS = 6
SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "vocab_size": 50,
}
DEBERTA = {
    "relative_attention": True,
    "position_buckets": 4,
    "norm_rel_ebd": "layer_norm",
    "pos_att_type": ["p2c", "c2p"],
    "conv_kernel_size": 3,
}
SPECIAL = {
    "pad_token_id": 0,
    "bos_token_id": 1,
    "cls_token_id": 1,
    "eos_token_id": 2,
    "sep_token_id": 2,
}
DISTIL = {"dim": 16, "n_layers": LAYERS, "n_heads": 2, "hidden_dim": 32, "vocab_size": 50}

# model type, configuration, what is in the head beside names that begin with "classifier"
MODELS: list[tuple[str, dict[str, Any], set[str]]] = [
    ("bert", SIZES, {"bert.pooler.dense"}),
    ("roberta", SIZES, set()),
    ("xlm-roberta", SIZES, set()),
    ("electra", SIZES | {"embedding_size": 8}, set()),
    ("distilbert", DISTIL, {"pre_classifier"}),
    ("deberta-v2", SIZES | DEBERTA, {"pooler.dense"}),
    ("modernbert", SIZES | SPECIAL, {"head.dense", "head.norm", "model.final_norm"}),
    ("albert", SIZES | {"embedding_size": 8}, {"albert.pooler"}),
    ("mpnet", SIZES, set()),
]


def parameters(model_type: str, config: dict[str, Any]) -> list[Parameter]:
    """List the parameters of a classifier made from a configuration."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    model_config = transformers.AutoConfig.for_model(model_type, num_labels=3, **config)
    with torch.device("meta"):
        model = transformers.AutoModelForSequenceClassification.from_config(model_config)
    return [Parameter(name, tuple(p.shape)) for name, p in model.named_parameters()]


@pytest.mark.parametrize(("model_type", "config", "head"), MODELS, ids=[m[0] for m in MODELS])
def test_groups_of_a_model(model_type: str, config: dict[str, Any], head: set[str]) -> None:
    model_parameters = parameters(model_type, config)
    depth = 1 if model_type == "albert" else LAYERS
    assert count_encoder_layers(model_parameters) == depth
    resolved = resolve_groups(preset_document("groups").parse_groups(), model_parameters)
    names_by_group = {group.spec.name: [p.name for p in group.parameters] for group in resolved}
    quarters = ["quarter 4"] if depth == 1 else [f"quarter {k}" for k in (1, 2, 3, 4)]
    assert list(names_by_group) == ["embeddings", *quarters, "head"]
    assert sorted(chain.from_iterable(names_by_group.values())) == sorted(
        p.name for p in model_parameters
    )
    tops = {name.rpartition(".")[0] for name in names_by_group["head"]}
    assert {top for top in tops if not top.startswith("classifier")} == head
    assert any(top.startswith("classifier") for top in tops)
    in_layers = {name for quarter in quarters for name in names_by_group[quarter]}
    assert all(("layer." in name or "layers." in name) for name in in_layers)


@pytest.mark.parametrize(("model_type", "config", "head"), MODELS, ids=[m[0] for m in MODELS])
def test_one_group_for_all(model_type: str, config: dict[str, Any], head: set[str]) -> None:
    model_parameters = parameters(model_type, config)
    (group,) = resolve_groups(preset_document("basic").parse_groups(), model_parameters)
    assert list(group.parameters) == model_parameters
    assert head <= {name.rpartition(".")[0] for name in (p.name for p in model_parameters)}


def test_the_article_has_its_nine_groups_of_roberta_large() -> None:
    model_parameters = parameters("roberta", SIZES | {"num_hidden_layers": 24})
    resolved = resolve_groups(
        preset_document("rte-roberta-large-article").parse_groups(), model_parameters
    )
    assert len(resolved) == 9
    assert [len(group.parameters) for group in resolved] == [96, 96, 96, 96, 1, 1, 1, 1, 5]
    assert {part_of_parameter(p.name)[0] for p in resolved[-1].parameters} == {"embeddings"}
