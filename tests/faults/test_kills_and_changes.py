"""kill -9 while a study moves on to changed ranges, with a trial of the user's own waiting."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from typing import Any

import pytest

from tests.faults.fault_counts import count_event
from tests.faults.kill_points import Kill
from tests.faults.processes import Plan, live
from tests.faults.studies import Tiny, assert_same, assert_sound, portrait
from tests.worker.worker_sessions import of_kind
from tuner.session import events as e
from tuner.session.commands import Enqueue
from tuner.session.folder import Session
from tuner.session.inbox import send_command

QUICK_KILLS = 4


@dataclass(frozen=True)
class Changed:
    """A finished session whose recipe was changed since; and how it ends if nobody disturbs it."""

    session: Session
    calm: dict[str, Any]
    calls: int

    def copy(self, number: object) -> Session:
        folder = self.session.path.with_name(f"changed-{number}")
        shutil.copytree(self.session.path, folder)
        return Session(folder)


@pytest.fixture(scope="session")
def changed(fork_server: None, tmp_path_factory: pytest.TempPathFactory) -> Changed:  # noqa: ARG001
    folder = tmp_path_factory.mktemp("changed")
    session = Tiny(folder).session(trials=3, search='pruner = "none"')
    assert live(session) == 0
    text = session.recipe_path.read_text()
    session.recipe_path.write_text(
        text.replace("low = 1e-3", "low = 2e-3").replace("trials = 3", "trials = 5")
    )
    send_command(session, Enqueue(params={"lr.body": 0.007, "epochs": 1}))
    calm, traces = Changed(session, {}, 0).copy("calm"), folder / "traces"
    traces.mkdir()
    assert live(calm, Plan(traces=traces)) == 0
    assert len(of_kind(calm, e.GenerationOpened)) == 1
    calls = len((traces / "worker").read_text().splitlines())
    return Changed(session, portrait(calm), calls)


def kill_and_compare(changed: Changed, kill: Kill) -> None:
    session = changed.copy(kill.call_number)
    assert live(session, Plan(worker=kill)) == -9
    count_event("kills while the search changes")
    assert_sound(session, torn=1)
    assert len(of_kind(session, e.SessionFinished)) == 2 or live(session) == 0
    assert_same(session, changed.calm)
    shutil.rmtree(session.path)


@pytest.mark.timeout(300)
def test_kills_while_the_search_changes(changed: Changed) -> None:
    for call_number in random.Random(31).sample(range(10, changed.calls // 2), QUICK_KILLS):
        kill_and_compare(changed, Kill(call_number, torn=True))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_kill_before_every_other_call_while_the_search_changes(changed: Changed) -> None:
    for call_number in range(1, changed.calls + 1, 2):
        kill_and_compare(changed, Kill(call_number, torn=call_number % 4 == 1))
