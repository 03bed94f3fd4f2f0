"""kill -9 at any instant, of worker, trainer or both: the study ends as if nothing had happened."""

from __future__ import annotations

import random
import time

import pytest

from tests.faults.conftest import Calm
from tests.faults.fault_counts import count_event
from tests.faults.kill_points import Kill
from tests.faults.processes import Life, Plan, live
from tests.faults.studies import Tiny, assert_same, assert_sound
from tests.faults.system_calls import needs_compiler
from tuner.session import events as e
from tuner.session.fold import load_session_view
from tuner.session.folder import Session
from tuner.session.status import derive_session_state
from tuner.session.view import SessionState

KILLED = -9
QUICK_KILLS = 20
LONG_KILLS = 60


class Disturbed:
    """A session whose every loss is looked at: what had ended stays so, and the files are sound."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.kills = 0
        self._torn = 0
        self._ended: dict[int, e.Event] = {}

    def check_after_life(self, *kills: Kill | None) -> None:
        """After a life with these kills in it."""
        for kill in filter(None, kills):
            self.kills += 1
            self._torn += kill.torn
            count_event("kills before a call" + (", a write half done" if kill.torn else ""))
        self._look()

    def check_after_kill(self, when: str) -> None:
        """After a kill at some moment."""
        self.kills += 1
        count_event(f"kills {when}")
        self._look()

    def _look(self) -> None:
        ended = assert_sound(self.session, self._torn)
        assert self._ended.items() <= ended.items()
        count_event("ended trials found again after a kill, none lost or doubled", len(ended))
        self._ended = ended


def is_finished(session: Session) -> bool:
    """Read the session's state: a worker killed after its last event has nothing left to do."""
    return derive_session_state(session, load_session_view(session)) is SessionState.FINISHED


def some_kill(dice: random.Random, most: int) -> Kill:
    return Kill(dice.randint(1, most), torn=dice.random() < 0.3, all_of_it=dice.random() < 0.3)


def kill_all_the_way(session: Session, dice: random.Random) -> int:
    """Kill worker, trainer or both again and again, until the study is through."""
    disturbed = Disturbed(session)
    while True:
        worker = some_kill(dice, 60)
        trainer = some_kill(dice, 250) if dice.random() < 0.4 else None
        code = live(session, Plan(worker=worker, trainer=trainer))
        if code == KILLED:
            disturbed.check_after_life(worker)
        if is_finished(session):
            return disturbed.kills
        assert code == KILLED


@pytest.mark.timeout(300)
def test_kills_before_calls_that_matter(tiny: Tiny, calm: Calm) -> None:
    dice, kills = random.Random(11), 0
    while kills < QUICK_KILLS:
        session = tiny.session()
        kills += kill_all_the_way(session, dice)
        assert_same(session, calm.portrait)


@pytest.mark.timeout(300)
def test_kills_at_random_moments(tiny: Tiny, calm: Calm) -> None:
    kill_at_random(tiny, calm, random.Random(12), 4)


def kill_at_random(tiny: Tiny, calm: Calm, dice: random.Random, kills: int) -> None:
    while kills > 0:
        session = tiny.session()
        disturbed = Disturbed(session)
        for _ in range(4):
            life = Life(session)
            time.sleep(dice.uniform(0.0, 1.5))
            whom = dice.choice(["worker", "trainer", "both"])
            life.kill(worker=whom != "trainer", trainers=whom != "worker")
            if whom == "trainer":
                time.sleep(dice.uniform(0.0, 1.5))
                life.kill()
            disturbed.check_after_kill(f"at a random moment, {whom}")
            if is_finished(session):
                break
        assert is_finished(session) or live(session) == 0
        assert_same(session, calm.portrait)
        kills -= disturbed.kills


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_kill_before_every_call_of_the_worker(tiny: Tiny, calm: Calm) -> None:
    kills = 0
    for number, name in enumerate(calm.worker, 1):
        torn = name.startswith(("write", "pwrite")) and number % 2 == 0
        kill = Kill(number, torn=torn, all_of_it=number % 3 == 0)
        kills += kill_once(tiny, calm, Plan(worker=kill))
    assert kills >= 0.9 * len(calm.worker)


@needs_compiler
@pytest.mark.parametrize("torn", [False, True])
def test_a_kill_inside_a_commit(tiny: Tiny, calm: Calm, torn: bool) -> None:
    """Between the calls that SQLite makes for one transaction, or with a page half written."""
    assert "pwrite#" in calm.database
    middle = len(calm.database) // 2
    call_number = calm.database.index("pwrite#", middle + 3 * torn)
    assert kill_once(tiny, calm, Plan(database=Kill(call_number + 1, torn=torn)))


@needs_compiler
@pytest.mark.long
@pytest.mark.timeout(3600)
def test_kills_inside_commits_all_along(tiny: Tiny, calm: Calm) -> None:
    stride = max(1, len(calm.database) // LONG_KILLS)
    numbers = range(1, len(calm.database) + 1, stride)
    kills = [kill_once(tiny, calm, Plan(database=Kill(n, torn=n % 2 == 0))) for n in numbers]
    assert sum(kills) >= 0.9 * len(kills)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_kill_before_every_kind_of_call_of_the_trainer(tiny: Tiny, calm: Calm) -> None:
    """The first of each kind, and one of the later ones."""
    dice, places = random.Random(13), dict[str, list[int]]()
    for number, name in enumerate(calm.trainer, 1):
        places.setdefault(name, []).append(number)
    for first, *later in places.values():
        for number in (first, *dice.sample(later, min(1, len(later)))):
            kill_once(tiny, calm, Plan(trainer=Kill(number, torn=dice.random() < 0.5)))


def kill_once(tiny: Tiny, calm: Calm, plan: Plan) -> bool:
    """Run a study with one kill in it; return False where the worker ended before its turn.

    From one run to the next a call or two are made more or less.
    """
    session = tiny.session()
    disturbed = Disturbed(session)
    code = live(session, plan)
    assert code in (0, KILLED)
    if code == KILLED and plan.database is not None:
        disturbed.check_after_kill("inside a commit")
    disturbed.check_after_life(plan.worker if code == KILLED else None, plan.trainer)
    assert is_finished(session) or live(session) == 0
    assert_same(session, calm.portrait)
    return code == KILLED


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_many_kills_in_every_study(tiny: Tiny, calm: Calm) -> None:
    dice, kills = random.Random(14), 0
    while kills < LONG_KILLS:
        session = tiny.session()
        kills += kill_all_the_way(session, dice)
        assert_same(session, calm.portrait)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_many_kills_at_random_moments(tiny: Tiny, calm: Calm) -> None:
    kill_at_random(tiny, calm, random.Random(15), LONG_KILLS)
