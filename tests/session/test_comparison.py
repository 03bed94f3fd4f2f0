"""Candidates: their facts, who is the baseline, which sessions can be paired."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui import corpus
from tests.tui.recorded_predictions import write_predictions
from tuner.errors import StudyFailed, TunerError
from tuner.session.comparison import (
    PredictionCache,
    best_candidate,
    candidates_of_session,
    comparison_rows,
    with_best_first,
)
from tuner.session.fold import load_session_view
from tuner.session.folder import Session


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return corpus.record_running_session(tmp_path, "one")


def test_facts_of_trials(session: Session) -> None:
    view = load_session_view(session)
    candidates = candidates_of_session(session, view, [3, 4, 99, 12])
    assert [candidate.name for candidate in candidates] == ["#4", "#3", "#12"]
    by_name = {fact.name: fact for fact in comparison_rows(candidates)}
    assert by_name["rows correct"].values == ((223, 277), (160, 277), (175, 277))
    low, high = by_name["accuracy 95 %"].values[0]
    assert low < by_name["accuracy"].values[0] < high
    assert by_name["lr.head"].values[1] == view.trials[3].params["lr.head"]
    assert by_name["state"].values == ("complete", "pruned", "pruned")
    assert not any(name.startswith(("model.", "search.")) for name in by_name)


def test_without_the_session_s_best_the_best_of_the_marked_is_the_baseline(
    session: Session,
) -> None:
    view = load_session_view(session)
    marked = [12, 3, 0, 8]
    values = {number: view.trials[number].value or 0.0 for number in (0, 3, 12)}
    first = candidates_of_session(session, view, marked)[0].trial
    complete = [n for n in values if view.trials[n].state.value == "complete"]
    assert first.number == max(complete, key=values.__getitem__)


def test_pairs_of_one_session(session: Session) -> None:
    candidates = candidates_of_session(session, load_session_view(session), [4, 3, 8])
    answers = PredictionCache()
    pair = answers.pair_predictions(candidates[0], candidates[1])
    for predictions, right in ((pair.first, 223), (pair.second, 160)):
        assert sum(map(int.__eq__, predictions.gold, predictions.predicted)) == right
    assert len(pair.flips.only_first) - len(pair.flips.only_second) == 223 - 160
    assert answers.pair_predictions(candidates[0], candidates[1]) is pair
    with pytest.raises(TunerError, match="trial 8 has no evaluation yet"):
        answers.pair_predictions(candidates[0], candidates[2])
    assert answers.indistinguishable_candidates(candidates[0], candidates[1:]) == []
    assert answers.indistinguishable_candidates(candidates[0], [candidates[0]]) == [candidates[0]]


def test_sessions_are_paired_only_on_the_same_rows(session: Session, tmp_path: Path) -> None:
    same, unlike_session = (
        corpus.record_running_session(tmp_path, "same"),
        corpus.record_finished_session(tmp_path),
    )
    old = corpus.record_crashed_session(tmp_path, "old")
    first_candidate, second_candidate, unlike_candidate = (
        best_candidate(compared_session, load_session_view(compared_session))
        for compared_session in (session, same, unlike_session)
    )
    assert (
        PredictionCache().pair_predictions(first_candidate, second_candidate).flips.mcnemar_p_value
        == 1
    )
    with pytest.raises(TunerError, match="different labels"):
        PredictionCache().pair_predictions(first_candidate, unlike_candidate)
    path = same.cache_folder / "validation.jsonl"
    text = path.read_text()
    path.write_text(text.replace("The city", "The town"))
    with pytest.raises(TunerError, match="different validation rows"):
        PredictionCache().pair_predictions(first_candidate, second_candidate)
    path.unlink()
    with pytest.raises(TunerError, match="not known: same has no row texts"):
        PredictionCache().pair_predictions(first_candidate, second_candidate)
    path.write_text(text)
    assert second_candidate.counted_evaluation is not None
    write_predictions(same, 4, len(second_candidate.trial.evaluations) - 1, [0, 1], [0, 1], 2)
    with pytest.raises(TunerError, match=r"different rows \(277 and 2\)"):
        PredictionCache().pair_predictions(first_candidate, second_candidate)
    view = load_session_view(old)
    view.metric = "mcc"
    assert with_best_first([first_candidate, best_candidate(old, view)])[0] is first_candidate
    assert with_best_first([best_candidate(old, view), first_candidate])[1] is first_candidate


def test_recipes_that_differ_are_facts(session: Session, tmp_path: Path) -> None:
    other_session = corpus.record_finished_session(tmp_path)
    candidates = [
        best_candidate(compared_session, load_session_view(compared_session))
        for compared_session in (session, other_session)
    ]
    by_name = {fact.name: fact.values for fact in comparison_rows(candidates)}
    assert by_name["model.name"] == ("roberta-base", "bert-base-uncased")
    assert by_name["search.trials"] == ("60", "12")
    assert "model.max_length" not in by_name
    assert by_name["best trial"] == ("#4", "#4")
    failed = corpus.record_failed_session(tmp_path)
    with pytest.raises(StudyFailed, match="out of memory"):
        best_candidate(failed, load_session_view(failed))
