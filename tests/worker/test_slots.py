"""The pool: more slots, fewer slots, and trainers that are one too many."""

from __future__ import annotations

from tuner.pool import protocol as p
from tuner.pool.trainer import Receive, TrainerExited
from tuner.worker.slots import SlotPool

SETUP = p.Setup(session="", recipe={}, device="cpu", threads=3)
REFUSED = p.Refused(error="no room")
READY = p.Ready(
    device="cpu", device_name="", versions={}, labels=[], rows={}, parameters=0, groups={}
)


class Quiet:
    """A trainer that says what the test lets it say."""

    last_output_lines: tuple[str, ...] = ()

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.is_alive, self.asked_to_end = True, False

    def send(self, _request: p.Request) -> bool:
        return self.is_alive

    def say(self, message: p.Reply) -> None:
        self._receive(self, message)

    def request_end(self) -> None:
        self.asked_to_end = True

    def kill_process_group(self) -> None:
        self.is_alive = False
        self._receive(self, TrainerExited(-9, ()))


def test_trainers_of_given_up_slots_end_unheard_and_are_waited_for() -> None:
    trainers: dict[int, Quiet] = {}

    def start(receive: Receive, number: int, threads: int) -> Quiet:
        assert threads == SETUP.threads
        trainers[number] = Quiet(receive)
        return trainers[number]

    pool = SlotPool(1, start)
    pool.resize_slots(5)
    for slot in pool.slots:
        pool.start_trainer(slot, SETUP)
    first, *others, _last = pool.slots
    for slot in others:
        slot.ready = READY
    pool.resize_slots(1)
    assert pool.slots == [first]
    assert [trainers[number].asked_to_end for number in range(5)] == [
        False,
        True,
        True,
        True,
        False,
    ]
    still_loads = trainers.pop(4)
    assert not still_loads.is_alive, "it hears nothing before it is ready"
    assert list(pool.receive_messages(0.01)) == []
    for trainer in trainers.values():
        trainer.say(REFUSED)
    assert list(pool.receive_messages(0.01)) == [(first, REFUSED)]
    assert len(pool.slots_with_trainers()) == 4
    trainers[3].kill_process_group()
    assert list(pool.receive_messages(0.01)) == []
    assert len(pool.slots_with_trainers()) == 3
    pool.kill_all_trainers()
    assert pool.slots_with_trainers() == []
    assert not any(trainer.is_alive for trainer in trainers.values())
