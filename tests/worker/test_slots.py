"""The pool: more slots, fewer slots, and trainers that are one too many."""

from __future__ import annotations

from tuner.pool import protocol as p
from tuner.pool.trainer import Lost, Receive
from tuner.worker.slots import Pool

SETUP = p.Setup(session="", recipe={}, device="cpu", threads=3)
REFUSED = p.Refused(error="no room")


class Quiet:
    """A trainer that says what the test lets it say."""

    last_lines: tuple[str, ...] = ()

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.alive, self.asked_to_end = True, False

    def send(self, _request: p.Request) -> bool:
        return self.alive

    def say(self, message: p.Reply) -> None:
        self._receive(self, message)

    def end(self) -> None:
        self.asked_to_end = True

    def kill(self) -> None:
        self.alive = False
        self._receive(self, Lost(-9, ()))


def test_trainers_of_given_up_slots_end_unheard_and_are_waited_for() -> None:
    trainers: dict[int, Quiet] = {}

    def start(receive: Receive, number: int, threads: int) -> Quiet:
        assert threads == SETUP.threads
        trainers[number] = Quiet(receive)
        return trainers[number]

    pool = Pool(1, start)
    pool.resize(4)
    for slot in pool.slots:
        pool.open(slot, SETUP)
    first = pool.slots[0]
    pool.resize(1)
    assert pool.slots == [first]
    assert [trainers[number].asked_to_end for number in range(4)] == [False, True, True, True]
    for trainer in trainers.values():
        trainer.say(REFUSED)
    assert list(pool.messages(0.01)) == [(first, REFUSED)]
    assert len(pool.with_trainers()) == 4
    trainers[3].kill()
    assert list(pool.messages(0.01)) == []
    assert len(pool.with_trainers()) == 3
    pool.kill()
    assert pool.with_trainers() == []
    assert not any(trainer.alive for trainer in trainers.values())
