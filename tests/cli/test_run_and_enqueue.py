"""run, start and enqueue around a scripted worker."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli import recorded_sessions
from tests.cli.conftest import Tuner
from tuner.session import events as e
from tuner.session.commands import Enqueue, Pause
from tuner.session.folder import Session
from tuner.session.inbox import CommandReader
from tuner.session.suggested_command import command_line
from tuner.session.writer import EventWriter

Monkey = pytest.MonkeyPatch


def worker_writes(monkeypatch: Monkey, events: Sequence[e.Event]) -> None:
    """Replace the worker with one that writes these events and is gone."""

    def start(session: Session, **_: object) -> None:
        with EventWriter(session.events_path) as writer:
            for event in events:
                writer.append_event(event)

    monkeypatch.setattr("tuner.worker.launch.start_worker", start)


def test_run_tells_what_happens_and_ends_with_the_table(tuner: Tuner, monkeypatch: Monkey) -> None:
    worker_writes(
        monkeypatch, recorded_sessions.search_events(e.SessionFinished(reason="6 trials"))
    )
    answer = tuner("run", "draft")
    assert answer.code == 0
    for word in ("pruned", "collapsed", "new best", "finished", "(baseline)", "0.8000"):
        assert word in answer.stderr
    assert "★" in answer.stdout
    printed_text = " ".join(answer.stdout.split())
    assert "cannot be told apart from the baseline (trial 0, 0.7000): +2 of 20 rows" in printed_text
    assert "Best: trial 1, accuracy 0.8000 (16 of 20 rows correct" in printed_text
    assert 'majority "bad" 0.5000' in printed_text
    assert "points" not in printed_text
    assert "2 complete, 1 pruned, 1 collapsed." in printed_text
    assert printed_text.split("Best: trial")[1] in " ".join(tuner("status", "draft").stdout.split())


def test_run_of_a_finished_session_prints_the_table(tuner: Tuner) -> None:
    answer = tuner("run", "done")
    assert (answer.code, answer.stderr) == (0, "")
    assert "Best: trial 1" in answer.stdout


def test_run_of_a_stopped_session_prints_the_table_and_is_not_finished(tuner: Tuner) -> None:
    answer = tuner("run", "given-up")
    assert (answer.code, answer.stderr) == (3, "tuner: given-up was stopped\n")
    assert "Best: trial 1" in answer.stdout


def test_a_finished_session_goes_on_where_its_recipe_asks_for_more(
    tuner: Tuner, monkeypatch: Monkey, root: Path
) -> None:
    recipe = root / "done" / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("trials = 6", "trials = 9"))
    more = [
        recorded_sessions.worker_started(),
        *recorded_sessions.whole_trial_events(4, 18),
        e.SessionFinished(),
    ]
    worker_writes(monkeypatch, more)
    answer = tuner("run", "done")
    assert answer.code == 0
    assert "Best: trial 4" in answer.stdout


@pytest.mark.parametrize(
    ("ending", "code", "says"),
    [
        (e.SessionFailed(reason="out of memory three times"), 1, "out of memory three times"),
        (e.SessionPaused(), 3, "tuner resume"),
        (e.SessionStopped(), 3, "stopped"),
    ],
)
def test_run_ends_as_the_session_did(
    tuner: Tuner, monkeypatch: Monkey, ending: e.Event, code: int, says: str
) -> None:
    worker_writes(monkeypatch, recorded_sessions.search_events(ending))
    answer = tuner("run", "draft")
    assert answer.code == code
    assert says in answer.stderr.splitlines()[-1]


def test_run_notices_that_the_worker_is_gone(tuner: Tuner, monkeypatch: Monkey, root: Path) -> None:
    monkeypatch.setattr("tuner.cli.follow.IDLE_SECONDS", {})
    worker_writes(
        monkeypatch, recorded_sessions.search_events(recorded_sessions.trial_started_event(4))
    )
    (root / "draft" / "worker.log").write_text("…\nMemoryError: no more\n\n")
    answer = tuner("run", "draft")
    assert answer.code == 1
    assert "MemoryError: no more" in answer.stderr.splitlines()[-1]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_interrupt_pauses(
    tuner: Tuner, monkeypatch: Monkey, root: Path, number: int, code: int
) -> None:
    monkeypatch.setattr("tuner.cli.follow.ALIVE_STATES", ("crashed",))
    worker_writes(
        monkeypatch, recorded_sessions.search_events(recorded_sessions.trial_started_event(4))
    )
    presses = iter([number])
    endings = iter([e.SessionPaused()])

    def sleep(_seconds: float) -> None:
        for press in presses:
            signal.raise_signal(press)
            return
        with EventWriter(root / "draft" / "events.jsonl") as writer:
            for ending in endings:
                writer.append_event(ending)

    monkeypatch.setattr(time, "sleep", sleep)
    answer = tuner("run", "draft")
    assert answer.code == code
    assert "paused; tuner resume draft" in answer.stderr
    (command,) = CommandReader(root / "draft" / "commands.jsonl").read_new_commands()
    assert isinstance(command, Pause)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_second_interrupt_leaves(
    tuner: Tuner, monkeypatch: Monkey, number: int, code: int
) -> None:
    monkeypatch.setattr("tuner.cli.follow.ALIVE_STATES", ("crashed",))
    worker_writes(
        monkeypatch, recorded_sessions.search_events(recorded_sessions.trial_started_event(4))
    )

    def sleep(_seconds: float) -> None:
        signal.raise_signal(number)

    monkeypatch.setattr(time, "sleep", sleep)
    assert tuner("run", "draft").code == code
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_start_says_what_the_log_says(tuner: Tuner, monkeypatch: Monkey) -> None:
    worker_writes(monkeypatch, recorded_sessions.search_events(e.SessionPaused()))
    answer = tuner("start", "draft")
    assert answer.code == 0
    assert answer.stdout.startswith("draft is paused")


def test_pausing_what_is_paused_is_fine(tuner: Tuner) -> None:
    answer = tuner("pause", "halted")
    assert (answer.code, answer.stdout) == (0, "halted is already paused\n")


@pytest.mark.parametrize("name", ["draft", "halted"])
def test_enqueue_waits_for_the_next_start(tuner: Tuner, root: Path, name: str) -> None:
    answer = tuner("enqueue", name, "lr=2e-5", "lr.head=1e-3", "epochs=4")
    assert answer.code == 0
    assert f"when {name} is started" in answer.stdout
    (command,) = CommandReader(root / name / "commands.jsonl").read_new_commands()
    assert isinstance(command, Enqueue)
    rest_group_rate = (
        {"lr.the rest": 2e-5} if name == "draft" else {}
    )  # it holds nothing in the model
    assert command.params == {"lr.body": 2e-5, "lr.head": 1e-3, "epochs": 4, **rest_group_rate}


def only_command(root: Path, name: str) -> Enqueue:
    (command,) = CommandReader(root / name / "commands.jsonl").read_new_commands()
    assert isinstance(command, Enqueue)
    return command


def test_enqueue_runs_a_trial_again(tuner: Tuner, root: Path) -> None:
    answer = tuner("enqueue", "halted", "--rerun", "best", "--seed", "5")
    assert (answer.code, answer.stderr) == (0, "")
    assert "trial 1 again, with seed 5" in answer.stdout
    command = only_command(root, "halted")
    assert (command.rerun_of, command.copy_of, command.params) == (1, None, {"seed": 5})


def test_enqueue_takes_the_rest_from_another_trial(tuner: Tuner, root: Path) -> None:
    answer = tuner("enqueue", "halted", "--like", "0", "lr.head=2e-4")
    assert answer.code == 0
    assert "trial 0 with lr.head 2.0e-4" in answer.stdout
    command = only_command(root, "halted")
    assert (command.copy_of, command.params) == (0, {"lr.body": 1e-5, "lr.head": 2e-4, "epochs": 2})


def test_a_finished_session_takes_trials_and_can_be_started_for_them(
    tuner: Tuner, root: Path, monkeypatch: Monkey
) -> None:
    worker_writes(monkeypatch, [recorded_sessions.worker_started(), e.SessionFinished()])
    refused = tuner("start", "done")
    assert (refused.code, "KEY=VALUE adds one" in refused.stderr) == (2, True)
    answer = tuner("enqueue", "done", "--rerun", "1")
    assert (
        f"with another seed\n{command_line('start', Session(root / 'done'))} starts it"
        in answer.stdout
    )
    assert tuner("start", "done").code == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["done"], "which values"),
        (["done", "--rerun", "9"], "done has no trial 9; its trials are 0 to 3"),
        (["done", "--rerun", "1", "epochs=2"], "use --like to change some"),
        (["done", "--like", "1", "lr.haed=1"], "lr.haed"),
        (["given-up", "lr=1e-5"], "accepts no more trials"),
    ],
)
def test_what_cannot_be_enqueued(tuner: Tuner, arguments: list[str], says: str) -> None:
    answer = tuner("enqueue", *arguments)
    assert answer.code == 2
    assert says in answer.stderr
    assert answer.stderr.count("\n") == 1


NO_RESULT = "no trial is complete: 2 collapsed (one label twice running); 2 trials"


def without_result(root: Path, name: str, *, older: bool) -> None:
    """Make a search whose trials both collapsed, as this version logs its end, or an older one."""
    ending = e.SessionFinished(reason="2 trials")
    if not older:
        ending = e.SessionFailed(reason=NO_RESULT, over="2 trials")  # type: ignore[assignment]
    begin = [
        recorded_sessions.worker_started(),
        recorded_sessions.session_started(),
        recorded_sessions.data_read_event(),
    ]
    collapsed = [
        e.TrialCollapsed(trial=n, reason="one label twice running", label="bad") for n in range(2)
    ]
    trials = [
        recorded_sessions.trial_started_event(0),
        collapsed[0],
        recorded_sessions.trial_started_event(1),
        collapsed[1],
    ]
    recorded_sessions.record_session(root, name, [*begin, *trials, ending])


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        (("run", "lost"), 1, "tuner resume lost"),
        (("start", "lost"), 1, "changes what is searched"),
        (("resume", "lost"), 1, "tuner resume lost"),
        (("export", "lost"), 1, "nothing to export"),
        (("show", "lost", "best"), 1, "none is the best"),
        (("test", "lost"), 1, "nothing to test"),
        (("status", "lost"), 0, "failed"),
        (("status", "lost", "--json"), 0, '"failed"'),
        (("list",), 0, "failed"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_search_without_a_result_is_told_alike_by_every_command(
    tuner: Tuner, root: Path, command: tuple[str, ...], code: int, says: str, older: bool
) -> None:
    without_result(root, "lost", older=older)
    answer = tuner(*command)
    printed_text = " ".join((answer.stdout + answer.stderr).split())
    assert answer.code == code
    assert says in printed_text
    assert NO_RESULT in printed_text
    if code:
        assert answer.stderr.splitlines()[-1].startswith("tuner: lost")
