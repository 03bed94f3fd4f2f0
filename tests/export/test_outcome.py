"""The paragraph on what a search has shown: what speaks against it first, and nothing denied."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.export.searches import LABELS, search
from tuner.export.outcome_text import describe_outcome
from tuner.export.summary import summarize_session
from tuner.render.charts.learning_curves import best_value_points
from tuner.render.charts.trial_sample import sample_from_trials
from tuner.render.styles import TERMINAL_STYLES
from tuner.render.trials_table import trials_table_lines
from tuner.results.metrics import gain_in_metric, metric_names_of_task
from tuner.session.best_document import figures_as_object
from tuner.session.comparison import PredictionCache, candidates_of_session, comparison_rows
from tuner.session.fold import load_session_view
from tuner.session.scores import interval_of_trial
from tuner.session.status import build_status, load_current_session

UNTOLD = "The best trial cannot be told apart from the baseline"
CASES: Mapping[str, tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]] = {
    "a search that found something": (
        {"trials": [(0.7, 0.7), (0.8, 0.8), (0.9, 0.92)]},
        ("Best: trial 2, accuracy 0.9100 (91 of 100 rows correct, 95 % interval 0.8377…0.9519; "
         'majority "no" 0.5000; MCC 0.8202)', "+21 rows, +21.0 points (p < 0.0001 for the best of",
         "chosen on the rows it is scored on"),
        ("told apart",),
    ),
    "nothing to learn": (
        {"trials": [(0.5, 0.48), (0.6, 0.5), (0.7, 0.38)], "gold": (40, 31)},
        ('The best model cannot be told apart from predicting "no" for every row (0.5634)',
         f"{UNTOLD} (trial 0, 0.4930): +5 of 71 rows (p = "),
        ("points",),
    ),
    "one label for every row": (
        {"trials": [(0.5, 0.4), (1, 0)], "gold": (95, 5)},
        ('The best model predicts "no" for every row: it tells nothing apart.', "MCC 0.0000"),
        ("The best model cannot",),
    ),
    "worse than the majority": (
        {"trials": [(0.1, 0.1), (0.2, 0.1)]},
        ('The best model is worse than predicting "no" for every row (0.5000).',), (),
    ),
    "the baseline is the best": (
        {"trials": [(0.9, 0.9), (0.8, 0.8)]},
        ("It is the baseline itself: the search found nothing better.", "add trials"),
        (UNTOLD, "points"),
    ),
    "one trial alone": (
        {"trials": [(0.9, 0.9)]},
        ("It is the baseline itself, and the only complete trial.",), ("chosen", "best of"),
    ),
    "a preset that is a baseline": (
        {"trials": [(0.9, 0.9)], "origins": {}, "searched": False,
         "recipe": {"preset": "baseline", "search": {"baseline": False}}},
        ("Nothing was searched: this trial is itself the baseline.",), ("No baseline",),
    ),
    "no baseline asked for": (
        {"trials": [(0.7, 0.7), (0.8, 0.8)], "origins": {},
         "recipe": {"search": {"baseline": False}}},
        ("No baseline was asked for (search.baseline = false).",), (UNTOLD,),
    ),
    "all the same": (
        {"trials": [(0.8, 0.8)] * 4},
        ("All 4 complete trials score the same: the first to finish is named.",), ("points",),
    ),
    "a loss": (
        {"trials": [(0.7, 0.7), (0.97, 0.97)], "metric": "loss"},
        ("label frequencies 0.6931", "lower by 0.2", "100 rows, 95 % interval"),
        ("rows correct", "points", "+"),
    ),
    "a loss without predictions": (
        {"trials": [(0.7, 0.7), (0.97, 0.97)], "metric": "loss", "stored": False},
        ("The gain over the baseline (trial", "no interval: no predictions are stored"), ("p =",),
    ),
    "macro F1": (
        {"trials": [(0.7, 0.7), (0.9, 0.92)], "metric": "f1_macro"},
        ("f1_macro 0.9100 (100 rows, 95 % interval 0.8394…0.9500", "higher by 0.2100 (p < 0.0"),
        ("rows correct", "points"),
    ),
    "predictions that are gone": (
        {"trials": [(0.7, 0.7), (0.9, 0.92)], "metric": "mcc", "stored": False},
        ("not paired: predictions are not stored", "higher by"), ("points", "p ="),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_said_of_a_search(tmp_path: Path, name: str) -> None:
    search_options, expected_claims, absent_claims = CASES[name]
    session = search(tmp_path, **search_options)
    text = describe_outcome(session, load_session_view(session))
    for claim in expected_claims:
        assert claim in text
    for claim in absent_claims:
        assert claim not in text
    assert text.count(". ") <= 6
    caveats = [text.find(word) for word in ("cannot be", "it tells nothing", "is worse than")]
    assert max(caveats) < text.index("Best: trial")


def test_a_baseline_that_failed_is_told(tmp_path: Path) -> None:
    session = search(tmp_path, [(0.7, 0.7), (0.8, 0.8)])
    view = load_session_view(session)
    view.trials[0].state = type(view.trials[0].state).FAILED
    assert "The baseline (trial 0) failed." in describe_outcome(session, view)


@pytest.mark.parametrize("metric", metric_names_of_task(LABELS))
def test_every_place_has_the_same_figures(tmp_path: Path, metric: str) -> None:
    session = search(tmp_path, [(0.6, 0.7), (0.9, 0.92)], metric=metric, gold=(60, 40))
    view, state = load_current_session(session)
    summary, trial = summarize_session(session, view), view.trials[1]
    assert summary.best is not None
    interval = summary.best.interval
    assert interval is not None
    assert interval.contains_value(summary.best.value)
    assert interval == interval_of_trial(session, view, trial)
    document = json.loads(msgspec.json.encode(build_status(session, view, state)))
    assert document["best"]["interval"] == figures_as_object(interval)
    assert document["majority"] == figures_as_object(summary.best.majority)
    pair = candidates_of_session(session, view, [1, 0])
    by_name = {fact.name: fact.values for fact in comparison_rows(pair)}
    assert by_name[f"{metric} 95 %"][0] == (interval.low, interval.high)
    assert document["majority"]["value"] == by_name["majority"][0]
    assert summary.gain is not None
    assert summary.gain.difference == PredictionCache().pair_predictions(*pair).difference
    assert summary.gain.is_improvement
    assert gain_in_metric(metric, summary.best.value, view.trials[0].value or 0.0) > 0
    assert (summary.gain.rows is None) == (metric != "accuracy")


def test_the_first_to_finish_of_equals_is_the_best_in_every_place(tmp_path: Path) -> None:
    view = load_session_view(search(tmp_path, [(0.8, 0.8)] * 3))
    for number, ended in ((0, 30.0), (1, 10.0), (2, 20.0)):
        view.trials[number].ended = ended
    view.best = 1
    table = [line[0][0] for line in trials_table_lines(view, 120, TERMINAL_STYLES)[1:]]
    assert ["".join(text for text in row if text.isdigit())[:1] for row in table] == list("120")
    sample = sample_from_trials(view, list(view.trials.values()), {})
    assert sample.best_trial is view.trials[1]
    assert best_value_points(view)[0] == (1.0, 0.8)
