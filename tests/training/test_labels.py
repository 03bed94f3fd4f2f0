"""What labels mean: numbers, truths, names, near spellings, and none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tuner.errors import TunerError
from tuner.recipe.types import DataSection
from tuner.training.labels import LabelScheme, decide_labels, labels_as_texts, refuse_missing

SECTION = DataSection(train="", validation=0.5, text=("a",), label="label")
WHERE = "data.train: rows.csv"


def scheme(
    values: list[Any],
    validation: list[Any] | None = None,
    names: tuple[str, ...] | None = None,
    **keys: Any,
) -> LabelScheme:
    """Return the scheme of these labels of train and validation."""
    ours, theirs = (labels_as_texts(part or [], names, WHERE) for part in (values, validation))
    return decide_labels(ours, theirs, replace(SECTION, **keys), names, WHERE)


@pytest.mark.parametrize(
    ("values", "names", "labels"),
    [
        (["10", "9", "0"], None, ("0", "9", "10")),
        ([3, 2, 3], None, ("2", "3")),
        ([1.0, 2.0], None, ("1", "2")),
        (["1.0", "2"], None, ("1", "2")),
        (["+1", "-1"] * 30, None, ("-1", "1")),
        ([True, False], None, ("false", "true")),
        (["True", "FALSE", "true"], None, ("false", "true")),
        (["01", "1"], None, ("01", "1")),
        (["1.0", "x"], None, ("1.0", "x")),
        (["b", "a"], None, ("a", "b")),
        (["2.5", "3.0"], None, ("2.5", "3.0")),
        ([1, 0], ("yes", "no"), ("yes", "no")),
    ],
)
def test_labels_have_one_spelling_and_an_order(
    values: list[Any], names: tuple[str, ...] | None, labels: tuple[str, ...]
) -> None:
    assert scheme(values, names=names).labels == labels


@pytest.mark.parametrize(
    ("train", "validation"),
    [
        (["1", "2"], ["1.0", "2.0"]),
        ([1, 2], ["2.00", "+1"]),
        ([True, False], ["True", "FALSE"]),
    ],
)
def test_validation_is_matched_by_value_and_said(train: list[Any], validation: list[Any]) -> None:
    both = scheme(train, validation)
    texts = labels_as_texts(validation, None, WHERE)
    assert set(both.class_numbers(texts, WHERE)) == {0, 1}
    assert len(both.labels) == 2
    assert "labels go by their value" in both.decisions[0]


@pytest.mark.parametrize(
    ("train", "validation", "message"),
    [
        (
            ["1", "2"],
            ["one", "two"],
            r'no label in common with train \(rows\.csv\): it has "one", "two", train has',
        ),
        (["POS", "NEG"], ["pos", "neg"], "data.merge_labels = true merges labels"),
        (["a", "a"], [], 'every row has the label "a"; at least two classes'),
        ([str(n) for n in range(30)], [], "every row has a label of its own; is data.label"),
        ([str(n) for n in range(201)] * 2, [], "201 different labels, at most 200"),
        ([f"{n / 7:.3f}" for n in range(30)] * 2, [], "30 different numbers.*not regressions"),
        ([-1, -1], [], "2 rows have the label -1, which usually means no label"),
        ([0, 1] * 60 + [-1], [], r"1 rows have the label -1.*unlabelled = \[-1\] leaves"),
        (["x", "y"] * 9 + ["-1"] * 9, [], "9 rows have the label -1"),
        ([0, 1, -100] * 9, [], "9 rows have the label -100"),
        ([0, 1] * 9, [0, -1], "data.validation: 1 rows have the label -1"),
    ],
)
def test_labels_that_cannot_be_learnt_are_refused(
    train: list[Any], validation: list[Any], message: str
) -> None:
    with pytest.raises(TunerError, match=message):
        scheme(train, validation)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.5, "row 2: the label 0.5 is a fraction; tuner trains classifiers, not regressions"),
        (["a", "b"], "row 2: the label .* is a list: tuner trains one label a row"),
        ({"a": 1}, "row 2: the label .* is an object"),
    ],
)
def test_what_is_no_label_is_refused_by_its_row(value: Any, message: str) -> None:
    with pytest.raises(TunerError, match=message):
        labels_as_texts(["a", value], None, WHERE)


@pytest.mark.parametrize("missing", [None, "", "  ", float("nan")])
def test_rows_without_a_label_are_named_and_can_be_left_out(missing: Any) -> None:
    texts = labels_as_texts(["a", missing, "b", missing], None, WHERE)
    with pytest.raises(TunerError, match=r"2 of 4 rows have no label \(null or empty\), rows 2, 4"):
        refuse_missing(texts, WHERE, ())
    if missing != "  ":
        numbers = scheme(["a", missing, "b", missing], unlabelled=("",)).class_numbers(texts, WHERE)
        assert numbers.tolist() == [0, -1, 1, -1]


def test_minus_one_is_a_label_where_it_is_common_and_left_out_where_the_recipe_says_so() -> None:
    sentiment = [-1, 0, 1] * 9
    assert scheme(sentiment).labels == ("-1", "0", "1")
    assert "-1 counts as a label, in 9 of 27 rows" in scheme(sentiment).decisions[0]
    assert scheme(sentiment, unlabelled=("-1",)).labels == ("0", "1")
    assert scheme([0, 1] * 60 + [-1], unlabelled=()).labels == ("-1", "0", "1")


WASTE = ["waste", "waste ", "Waste", "ok", "cafe\u0301", "caf\u00e9", "ok", "waste", "\uff4f\uff4b"]


def test_near_labels_are_one_warning_and_one_class_on_request() -> None:
    (warning,) = scheme(WASTE).warnings
    for spelling in ('"waste "', '"Waste"', r'"cafe\u0301"', r'"\uff4f\uff4b"'):
        assert spelling in warning
    assert "data.merge_labels = true" in warning
    merged = scheme(WASTE, merge_labels=True)
    assert (merged.labels, merged.warnings) == (("caf\u00e9", "ok", "waste"), ())
    assert merged.class_numbers(["WASTE\u200b", "CAF\u00c9"], WHERE).tolist() == [2, 0]


@pytest.mark.parametrize(
    ("values", "names", "labels"),
    [
        (["0", "2", "1"], ("a", "b", "c"), ("a", "b", "c")),
        ([1, 2, 3], ("a", "b", "c"), ("a", "b", "c")),
        (["no", "yes"], {"yes": "Ja", "no": "Nein"}, ("Nein", "Ja")),
        ([-1, 1] * 9, {"-1": "bad", "1": "good"}, ("bad", "good")),
    ],
)
def test_labels_can_be_given_names(values: list[Any], names: Any, labels: tuple[str, ...]) -> None:
    named = scheme(values, label_names=names)
    assert named.labels == labels
    assert set(named.class_numbers(labels_as_texts(values, None, WHERE), WHERE)) == set(
        range(len(labels))
    )
    assert named.class_numbers(list(labels), WHERE).tolist() == list(range(len(labels)))


def test_a_file_may_hold_the_names_already() -> None:
    both = scheme(["0", "1"] * 9, ["good", "bad"], label_names=("bad", "good"))
    assert both.labels == ("bad", "good")
    assert both.class_numbers(["good", "1", "bad"], WHERE).tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a", "b"), 'no name for the label "2"'),
        (("a", "b", "c", "d"), 'no row has the label "3"; there are "0", "1", "2"'),
        ({"0": "a", "1": "b"}, 'no name for the label "2"'),
        ({"0": "a", "1": "b", "2": "c", "x": "d"}, 'no row has the label "x"'),
        (("a", "b", "a"), 'two labels are named "a"'),
    ],
)
def test_names_fit_the_labels_one_by_one(names: Any, message: str) -> None:
    with pytest.raises(TunerError, match=message):
        scheme(["0", "1", "2"], label_names=names)


def test_a_label_of_another_file_that_nobody_knows_is_named_with_the_nearest() -> None:
    with pytest.raises(TunerError, match=r'"Yes" \(2 of 3 rows\); did you mean "yes"'):
        scheme(["yes", "no"]).class_numbers(["Yes", "no", "Yes"], "data.test: t.csv")
