"""The filter language."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.errors import TunerError
from tuner.results.filters import STATES, parse_filter


@dataclass
class Evaluation:
    """The metrics of one evaluation."""

    metrics: dict[str, float]


@dataclass
class Trial:
    """What a filter looks at."""

    number: int
    state: str
    value: float | None = None
    params: dict[str, Any] = field(default_factory=dict)
    fixed: dict[str, Any] = field(default_factory=dict)
    evaluations: list[Evaluation] = field(default_factory=list)
    generation: int = 0
    origin: str = "sampled"
    seconds: float = 100.0
    one_label: bool = False


def evaluations(*accuracies: float) -> list[Evaluation]:
    """Make a curve of accuracies, with a macro F1 that is 0.1 below."""
    return [
        Evaluation({"accuracy": a, "f1_macro": a - 0.1, "f1.not entailed": a}) for a in accuracies
    ]


TRIALS = [
    Trial(0, "complete", 0.8, {"lr.head": 1e-4, "lr.layers 0-5": 1e-5, "epochs": 3},
          {"schedule": "linear"}, evaluations(0.9, 0.8)),
    Trial(1, "pruned", 0.6, {"lr.head": 2e-3, "lr.layers 0-5": 2e-5, "epochs": 9},
          {"schedule": "cosine"}, evaluations(0.6)),
    Trial(2, "collapsed", 0.5, {"lr.head": 5e-3, "epochs": 9}, {}, evaluations(0.5)),
    Trial(3, "running", None, {"lr.head": "frozen", "epochs": 4}),
    Trial(12, "failed", None, {"flag": True}, {}, [], 1, "enqueued", 700.0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", [0, 1, 2, 3, 12]),
        ("   ", [0, 1, 2, 3, 12]),
        ("state:pruned", [1]),
        ("state:pruned,collapsed", [1, 2]),
        ("state=done", [0]),
        ("state:run", [3]),
        ("state!=complete", [1, 2, 3, 12]),
        ("!state:pruned", [0, 2, 3, 12]),
        ("accuracy>0.78", [0]),
        ("acc>=0.8", [0]),
        ("accuracy<0.85", [0, 1, 2]),
        ("value<=0.6", [1, 2]),
        ("f1>0.45", [0, 1]),
        ("f1_macro>0.45", [0, 1]),
        ("f1.not_entailed>0.55", [0, 1]),
        ("lr.head<1e-3", [0]),
        ("lr.head>1e-3 accuracy>0.55", [1]),
        ("lr.head=frozen", [3]),
        ("lr.head!=frozen", [0, 1, 2]),
        ('"lr.layers 0-5">=2e-5', [1]),
        ("'lr.layers 0-5'>=2e-5", [1]),
        ("lr.layers_0-5>=2e-5", [1]),
        ("epochs=9", [1, 2]),
        ("epochs:9", [1, 2]),
        ("epochs==9.0", [1, 2]),
        ("schedule=cosine", [1]),
        ("schedule=COSINE", [1]),
        ("flag=true", [12]),
        ("9,12", [12]),
        ("0,2-3", [0, 2, 3]),
        ("12,", [12]),
        ("!0,1", [2, 3, 12]),
        ("number>2", [3, 12]),
        ("!accuracy>0.55", [2, 3, 12]),
        ("!!state:pruned", [1]),
        ("nothing>1", []),
        ("state:complete state:pruned", []),
        ("is:pruned", [1]),
        ("is:done", [0]),
        ("!is:complete", [1, 2, 3, 12]),
        ("gen:1", [12]),
        ("generation<1", [0, 1, 2, 3]),
        ("origin:enqueued", [12]),
        ("time>600", [12]),
        ("seconds<=100 is:run", [3]),
    ],
)
def test_filters(text: str, numbers: list[int]) -> None:
    passes = parse_filter(text)
    assert [trial.number for trial in TRIALS if passes(trial)] == numbers


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("accuracy", '"accuracy" is not a term'),
        ("accuracy>", '"accuracy>" lacks a value'),
        (">0.5", "is not a term"),
        ("accuracy>high", '"high" is not a number'),
        ("state:prunde", 'unknown state "prunde"; did you mean "pruned"'),
        ("state>pruned", "states have no order"),
        ("state:p", 'unknown state "p"'),
        ("!", "needs a term"),
        ('"lr.head<1', "unclosed quote"),
        ("9,a", "is not a term"),
        ("is:prunde", 'no trial is "prunde"; did you mean "pruned"'),
        ("is>pruned", "write is:pruned"),
        ("is:best", 'no trial is "best"'),
    ],
)
def test_what_is_no_filter(text: str, message: str) -> None:
    with pytest.raises(TunerError, match=r"^filter: ") as caught:
        parse_filter(text)
    assert message in str(caught.value)
    assert str(caught.value).isprintable()


def test_unknown_names_are_refused_where_the_names_are_known() -> None:
    names = ["accuracy", "lr.head", "lr.layers 0-5"]
    parse_filter("acc>0.5 lr.layers_0-5<1 value>0 number<9", names)
    with pytest.raises(TunerError, match=r'unknown name "lr.haed"; did you mean "lr.head"\?'):
        parse_filter("lr.haed<1", names)


@given(st.text("state:prund !<>=0.5,'\" lrhead\n\x1b", max_size=30))
def test_any_text_is_a_filter_or_one_line(text: str) -> None:
    try:
        passes = parse_filter(text)
    except TunerError as error:
        message = str(error)
    else:
        message = "filter: "
        assert all(passes(trial) in (True, False) for trial in TRIALS)
    assert message.startswith("filter: ")
    assert message.isprintable()


def test_flags_are_what_somebody_can_tell() -> None:
    flags = {"best": lambda trial: trial.number == 1, "marked": lambda trial: trial.number > 2}
    passes = parse_filter("is:marked !is:best", None, flags)
    assert [trial.number for trial in TRIALS if passes(trial)] == [3, 12]
    with pytest.raises(TunerError, match='did you mean "marked"'):
        parse_filter("is:maked", None, flags)


def test_names_that_every_trial_has_are_always_known() -> None:
    parse_filter("gen:1 origin:sampled seed=4 epoch>=2 memory>0 time<60", ["lr.head"])
    with pytest.raises(TunerError, match='unknown name "orgin"; did you mean "origin"'):
        parse_filter("orgin:sampled", ["lr.head"])


NUMBERS = st.integers(0, 20)
NEGATED = st.sampled_from(["", "!"])
TERMS = st.one_of(
    st.builds("{}{}".format, NEGATED, NUMBERS),
    st.builds("{}state:{}".format, NEGATED, st.sampled_from(STATES)),
    st.builds("{}value{}{}".format, NEGATED, st.sampled_from(["<", ">", "<=", ">="]), NUMBERS),
    st.builds("{}gen:{}".format, NEGATED, st.integers(0, 2)),
)


@given(st.lists(TERMS, max_size=5))
def test_a_blank_is_and(terms: list[str]) -> None:
    term_filters = [parse_filter(term) for term in terms]
    together = parse_filter(" ".join(terms))
    for trial in TRIALS:
        assert together(trial) == all(passes(trial) for passes in term_filters)


@given(TERMS)
def test_an_exclamation_mark_is_not(term: str) -> None:
    passes, fails = parse_filter(term), parse_filter(f"!{term}")
    assert all(passes(trial) != fails(trial) for trial in TRIALS)
