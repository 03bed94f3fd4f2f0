"""What a model is called in tables."""

from __future__ import annotations

import pytest

from tuner.recipe.model_label import distinct_model_labels, short_model_label

CACHED = "/c/hub/models--org--bert-x/snapshots/" + "a" * 40


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("roberta-large", "roberta-large"), ("FacebookAI/roberta-large", "roberta-large"),
        ("/x/roberta-large/", "roberta-large"), ("/data/rte/model", "rte/model"),
        ("/data/rte/model/", "rte/model"), ("/model", "/model"), ("/models/base", "/models/base"),
        ("model", "proj/model"), (".", "proj"), ("..", "me"), ("../model", "me/model"),
        ("/exp7/checkpoint-500", "exp7/checkpoint-500"), ("/s/reviews/best", "reviews/best"),
        ("/s/reviews/trials/0012/model", "reviews/…/model"), (CACHED, "bert-x"),
        ("/a/bert-v2", "bert-v2"), ("/a/x/v2", "x/v2"), ("/", "/"), ("~/model", "~/model"),
    ],
)  # fmt: skip
def test_a_folder_that_is_called_model_is_told_with_the_one_above(name: str, label: str) -> None:
    assert short_model_label(name, "/home/me/proj") == label


def test_two_models_of_one_name_are_told_apart() -> None:
    names = ["/a/x/bert", "/b/x/bert", "/a/x/bert", "org/bert", "/c/rob", "bert"]
    assert distinct_model_labels(names) == [
        "a/x/bert", "b/x/bert", "a/x/bert", "org/bert", "rob", "bert"
    ]  # fmt: skip
    assert distinct_model_labels([]) == []
