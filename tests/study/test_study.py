"""What a study keeps, and what it refuses."""

from __future__ import annotations

import math
import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from contextlib import closing
from itertools import count
from pathlib import Path

import optuna
import pytest
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial

from tests.study.toy_study import (
    BASELINE,
    MIDDLE,
    SPACE,
    count_ended_trials,
    open_toy_study,
    run,
    score,
    search,
    trial_facts,
)
from tuner.errors import TunerError
from tuner.recipe.types import Choices, Range
from tuner.study import Study
from tuner.study.storage import open_study_storage


def test_enqueue_is_idempotent_by_key_and_goes_first(tmp_path: Path) -> None:
    study = open_toy_study(tmp_path)
    assert study.add_waiting_trial(BASELINE, "baseline", "baseline") == 0
    assert study.add_waiting_trial(MIDDLE, "middle", "middle") == 1
    assert study.add_waiting_trial(BASELINE, "baseline", "baseline") == 0
    again = open_toy_study(tmp_path)
    assert again.add_waiting_trial(MIDDLE, "middle", "middle") == 1
    assert again.trial_states() == {0: "waiting", 1: "waiting"}
    first, second, third = (again.next_suggestion() for _ in range(3))
    assert [s.number for s in (first, second, third)] == [0, 1, 2]
    assert [s.origin for s in (first, second, third)] == ["baseline", "middle", "sampled"]
    assert {**first.params, **first.fixed} == BASELINE
    assert (second.params, second.fixed) == (MIDDLE, {})
    assert open_toy_study(tmp_path).running_suggestions() == [first, second, third]
    assert open_toy_study(tmp_path).add_waiting_trial(MIDDLE, "middle", "middle") == 1


def test_what_was_not_given_is_suggested(tmp_path: Path) -> None:
    study = open_toy_study(tmp_path)
    study.add_waiting_trial({"epochs": 3, "lr.head": 7.0}, "enqueued", "mine")
    suggestion = study.next_suggestion()
    assert suggestion.params.keys() == SPACE.keys()
    assert (suggestion.params["epochs"], suggestion.params["lr.head"]) == (3, 7.0)
    assert suggestion.fixed == {}
    assert open_toy_study(tmp_path).running_suggestions() == [suggestion]


def test_values_keep_their_type(tmp_path: Path) -> None:
    study = open_toy_study(tmp_path)
    study.add_waiting_trial({"lr.head": 0, "epochs": 4.0, "batch_size": 16.0}, "enqueued", "mine")
    params = study.next_suggestion().params
    assert [type(params[name]) for name in SPACE] == [float, float, int, int]
    assert [type(open_toy_study(tmp_path).running_suggestions()[0].params[n]) for n in SPACE] == [
        float,
        float,
        int,
        int,
    ]


def test_endings_are_idempotent_and_cannot_be_contradicted(tmp_path: Path) -> None:
    study = open_toy_study(tmp_path)
    numbers = [study.next_suggestion().number for _ in range(5)]
    study.record_evaluation(1, 0.2, 0.3)

    def end(study: Study) -> None:
        study.complete_trial(0, 0.5)
        study.prune_trial(1)
        study.prune_trial(2, 0.25)
        study.collapse_trial(3)
        study.fail_trial(4)

    end(study)
    expected = [
        ("complete", 0.5),
        ("pruned", 0.3),
        ("pruned", 0.25),
        ("pruned", 0.0),
        ("failed", None),
    ]
    for current in (study, open_toy_study(tmp_path)):
        end(current)
        assert [current.trial_outcome(number) for number in numbers] == expected
        assert [current.is_trial_collapsed(number) for number in numbers] == [False] * 3 + [
            True,
            False,
        ]
        for number, other_end in [
            (0, current.prune_trial),
            (1, current.collapse_trial),
            (3, current.fail_trial),
            (4, current.collapse_trial),
        ]:
            with pytest.raises(RuntimeError, match="has ended as"):
                other_end(number)
        with pytest.raises(RuntimeError, match="has ended as"):
            current.complete_trial(0, 0.6)
        with pytest.raises(RuntimeError, match="not running"):
            current.record_evaluation(0, 0.9, 0.5)
        with pytest.raises(KeyError):
            current.complete_trial(99, 0.5)


def test_a_value_that_is_no_number_never_reaches_the_database(tmp_path: Path) -> None:
    study = open_toy_study(tmp_path)
    number = study.next_suggestion().number
    with pytest.raises(ValueError, match="not a number"):
        study.record_evaluation(number, 0.5, math.nan)
    for end in (study.complete_trial, study.prune_trial):
        with pytest.raises(ValueError, match="not a number"):
            end(number, math.nan)
    assert open_toy_study(tmp_path).trial_states() == {number: "running"}
    assert trial_facts(open_toy_study(tmp_path))[0].curve == {}


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_a_collapsed_trial_is_the_worst_for_tpe(direction: str, tmp_path: Path) -> None:
    """Also where it came further than a pruned one, which TPE would rank before it."""
    from optuna.samplers._tpe.sampler import _split_trials

    sign = 1 if direction == "maximize" else -1
    study = open_toy_study(tmp_path, direction=direction, worst=0.0 if sign == 1 else math.inf)
    values = [0.5, 0.6, 0.7]
    collapsed, pruned, *complete = (study.next_suggestion().number for _ in range(5))
    for share in (0.2, 0.5, 0.9):
        study.record_evaluation(collapsed, share, sign * 0.99)
    study.collapse_trial(collapsed)
    study.record_evaluation(pruned, 0.2, sign * 0.1)
    study.prune_trial(pruned)
    for number, value in zip(complete, values, strict=True):
        study.complete_trial(number, sign * value)
    for current in (study, open_toy_study(tmp_path, direction=direction)):
        view = current._history.as_optuna_study()
        below, above = _split_trials(view, view.get_trials(), 4)
        assert [trial.number for trial in above] == [collapsed]
        assert len(below) == 4
    assert study.trial_outcome(collapsed).value == (0.0 if sign == 1 else math.inf)


def test_one_label_is_the_worst_for_sampler_and_pruner_whatever_its_score(tmp_path: Path) -> None:
    study = open_toy_study(tmp_path, sampler="tpe")
    lopsided, *others = (study.next_suggestion().number for _ in range(4))
    for number, value in zip(others, (0.91, 0.92, 0.93), strict=True):
        study.record_evaluation(number, 0.4, value)
    decision = study.record_evaluation(lopsided, 0.4, 0.95, one_label=True)
    assert decision is not None
    assert (decision.kept, decision.rank, decision.value) == (False, 4, 0.0)
    study.complete_trial(lopsided, 0.95, one_label=True)
    for current in (study, open_toy_study(tmp_path)):
        assert current.trial_outcome(lopsided).value == 0.95
        assert current._history.as_optuna_study().get_trials()[0].value == 0.0


def test_minimize_prunes_the_high_values(tmp_path: Path) -> None:
    study = open_toy_study(tmp_path, direction="minimize", worst=math.inf)
    keep_decisions = []
    for value in (0.5, 0.4, 0.6, 0.3):
        decision = study.record_evaluation(study.next_suggestion().number, 0.4, value)
        assert decision is not None
        keep_decisions.append(decision.kept)
    assert keep_decisions == [True, True, False, True]


def test_a_killed_study_ends_as_one_that_was_not(tmp_path: Path) -> None:
    """SIGKILL at some instants: the trials, parameters, curves and ends are the same to the bit."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    run(open_toy_study(whole), 20)
    open_toy_study(killed).close_database()
    instants = random.Random(5)
    for trials in (2, 5, 9, 12, 16):
        _run_and_kill(killed, 20, once_begun=trials, delay=instants.uniform(0, 0.05))
        with closing(sqlite3.connect(killed / "study.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert count_ended_trials(open_toy_study(killed)) < 20
    run(open_toy_study(killed), 20)
    assert trial_facts(open_toy_study(killed)) == trial_facts(open_toy_study(whole))


def _run_and_kill(folder: Path, trials: int, *, once_begun: int, delay: float) -> None:
    child = os.fork()
    if child == 0:
        # However quick the machine: the study is not over before it is killed.
        run(open_toy_study(folder), min(trials - 1, once_begun + 3))
        signal.pause()
    with closing(sqlite3.connect(folder / "study.db")) as reader:
        deadline = time.monotonic() + 60
        while reader.execute("SELECT count(*) FROM trials").fetchone()[0] <= once_begun:
            assert time.monotonic() < deadline
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def test_a_reader_never_locks_the_writer_out(tmp_path: Path) -> None:
    study = open_toy_study(tmp_path)
    number = study.next_suggestion().number
    reader = sqlite3.connect(tmp_path / "study.db")
    try:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM trials").fetchone() == (1,)
        for step in range(1, 6):
            study.record_evaluation(number, step / 10, 0.5)
        study.complete_trial(number, 0.5)
        assert reader.execute("SELECT count(*) FROM trial_values").fetchone() == (0,)
    finally:
        reader.close()
    assert open_toy_study(tmp_path).trial_outcome(number) == ("complete", 0.5)


def test_another_writer_is_waited_for(tmp_path: Path) -> None:
    study = open_toy_study(tmp_path)
    other_connection = sqlite3.connect(tmp_path / "study.db", check_same_thread=False)
    other_connection.execute("BEGIN IMMEDIATE")
    threading.Timer(0.3, other_connection.rollback).start()
    assert study.next_suggestion().number == 0
    other_connection.close()


def test_optuna_itself_sees_the_same_trials(tmp_path: Path) -> None:
    study = open_toy_study(tmp_path)
    run(study, 8)
    study.collapse_trial(study.next_suggestion().number)
    optuna_study = optuna.load_study(study_name="toy", storage=f"sqlite:///{tmp_path / 'study.db'}")
    ends = {trial.number: (trial.state.name.lower(), trial.value) for trial in optuna_study.trials}
    assert ends == {number: tuple(study.trial_outcome(number)) for number in study.trial_states()}
    assert [dict(t.intermediate_values) for t in optuna_study.trials] == [
        t.curve for t in trial_facts(study)
    ]
    assert [t.params for t in optuna_study.trials[1:]] == [
        dict(t.params) for t in trial_facts(study)[1:]
    ]
    assert optuna_study.trials[0].user_attrs["fixed"] == {
        name: BASELINE[name] for name in ("lr.head", "epochs", "batch_size", "weight_decay")
    }
    assert optuna_study.ask().number == 9


def test_optuna_dashboard_reads_it(tmp_path: Path) -> None:
    dashboard = pytest.importorskip("optuna_dashboard")
    study = open_toy_study(tmp_path)
    run(study, 6)
    app = dashboard.wsgi(f"sqlite:///{tmp_path / 'study.db'}")
    pages = [_get(app, path) for path in ("/api/studies", "/api/studies/1")]
    assert '"study_name": "toy"' in pages[0]
    assert pages[1].count('"trial_id"') >= 6


def _get(app: object, path: str) -> str:
    from wsgiref.util import setup_testing_defaults

    environ: dict[str, object] = {"PATH_INFO": path, "REQUEST_METHOD": "GET"}
    setup_testing_defaults(environ)
    return b"".join(app(environ, lambda *_: None)).decode()  # type: ignore[operator]


def test_the_file_is_private_and_in_wal_mode(tmp_path: Path) -> None:
    odd = tmp_path / "a{b}?c #%20"
    odd.mkdir()
    storage = open_study_storage(odd / "study.db")
    files = sorted(path.name for path in odd.iterdir())
    assert files == ["study.db", "study.db-shm", "study.db-wal"]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in odd.iterdir()}
    assert modes == {0o600}
    with storage.engine.connect() as connection:
        raw = connection.connection
        assert raw.cursor().execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert raw.cursor().execute("PRAGMA synchronous").fetchone() == (2,)
        assert raw.cursor().execute("PRAGMA busy_timeout").fetchone() == (30000,)


def test_a_closed_study_is_one_file(tmp_path: Path) -> None:
    study = open_toy_study(tmp_path)
    study.next_suggestion()
    study.close_database()
    assert [path.name for path in tmp_path.iterdir()] == ["study.db"]


def _damage_database(path: Path) -> None:
    open_toy_study(path.parent)
    for leftover in path.parent.glob("study.db-*"):
        leftover.unlink()
    content = bytearray(path.read_bytes())
    content[8192:16384] = b"\xff" * 8192
    path.write_bytes(bytes(content))


def _foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE songs (name TEXT)")
    connection.close()


def _from_the_future(path: Path) -> None:
    open_toy_study(path.parent)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE version_info SET library_version = '99.0.0'")
        connection.execute("UPDATE alembic_version SET version_num = 'v99.0.0.a'")
    connection.close()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_text("no database at all\n" * 99), "not an SQLite database"),
        (_damage_database, "is damaged"),
        (_foreign, "another program"),
        (_from_the_future, "another version of Optuna"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.parent.rmdir(), "cannot be written"),
    ],
)
def test_a_database_that_cannot_be_used(make: object, message: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    make(folder / "study.db")  # type: ignore[operator]
    with pytest.raises(TunerError, match=message) as error:
        Study.open_study(folder / "study.db", "toy", SPACE, search(), "maximize", 0.0)
    assert "\n" not in str(error.value)
    assert str(folder / "study.db") in str(error.value)


def test_a_study_of_the_other_direction_is_refused(tmp_path: Path) -> None:
    open_toy_study(tmp_path)
    with pytest.raises(TunerError, match="does not minimize its metric"):
        open_toy_study(tmp_path, direction="minimize")


def test_a_copied_session_has_the_same_study_under_another_name(tmp_path: Path) -> None:
    run(open_toy_study(tmp_path), 3)
    copy = Study.open_study(tmp_path / "study.db", "copy", SPACE, search(), "maximize", 0.0)
    assert count_ended_trials(copy) == 3


ZOOMED: dict[str, Range | Choices] = {
    "lr.body": Range(1e-5, 1e-4, "log"),
    "lr.head": Range(0.0, 1e-2),
    "epochs": Range(1, 10, integer=True),
}


def test_a_new_generation_takes_over_what_lies_inside(tmp_path: Path) -> None:
    first = open_toy_study(tmp_path, "random", pruner="none")
    run(first, 10)
    first.collapse_trial(first.next_suggestion().number)
    first.next_suggestion()
    inside = [
        number
        for number, trial in enumerate(trial_facts(first)[:11])
        if number
        and 1e-5 <= float(trial.params["lr.body"]) <= 1e-4
        and trial.params["batch_size"] == 16
    ]
    zoomed = open_toy_study(tmp_path, generation=1, space=ZOOMED, settings={"batch_size": 16})
    assert zoomed.carried_count == len(inside) > 1
    assert [record.number for record in zoomed._carried] == inside
    assert zoomed.trial_states() == {}
    suggestion = zoomed.next_suggestion()
    assert suggestion.number == 12
    zoomed.complete_trial(suggestion.number, score({**suggestion.params, "batch_size": 16}))
    again = open_toy_study(tmp_path, generation=1, space=ZOOMED, settings={"batch_size": 16})
    assert (again.carried_count, again.trial_states()) == (len(inside), {12: "complete"})
    assert len(again._history.as_optuna_study().trials) == len(inside) + 1
    assert again.next_suggestion().number == 13
    third = open_toy_study(tmp_path, generation=2, space=ZOOMED, settings={"batch_size": 16})
    assert [record.number for record in third._carried] == [*inside, 12]
    assert third.next_suggestion().number == 14


def test_taking_over_is_finished_after_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(open_toy_study(tmp_path, "random", pruner="none"), 6)
    original, calls = RDBStorage.create_new_trial, count()

    def dying(storage: RDBStorage, study_id: int, trial: FrozenTrial) -> int:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return original(storage, study_id, trial)

    with monkeypatch.context() as patched:
        patched.setattr(RDBStorage, "create_new_trial", dying)
        with pytest.raises(KeyboardInterrupt):
            open_toy_study(tmp_path, generation=1)
    again = open_toy_study(tmp_path, generation=1)
    assert [record.number for record in again._carried] == [1, 2, 3, 4, 5]
    assert again.next_suggestion().number == 6


def test_importing_it_is_light() -> None:
    heavy = ("torch", "transformers", "pandas", "plotly", "matplotlib", "sklearn", "scipy")
    code = f"import sys, tuner.study; print([m for m in {heavy} if m in sys.modules])"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "[]\n"
