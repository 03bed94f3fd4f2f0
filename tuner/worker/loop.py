"""The worker: one loop over what the trainers say and what the users ask for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tuner.errors import TunerError
from tuner.pool import protocol as p
from tuner.pool.disk import NO_ROOM, NoRoom
from tuner.pool.trainer import Garbled, Lost, TrainerMessage
from tuner.recipe.findings import checked_line
from tuner.recipe.load import recipe_to_dict
from tuner.recipe.types import Recipe
from tuner.session import commands as c
from tuner.session import events as e
from tuner.session.ending import has_result, no_result_reason
from tuner.session.folder import Session
from tuner.session.view import SessionView
from tuner.worker.best import clean_ended_trials
from tuner.worker.budget import threads_for_each
from tuner.worker.journal import Journal
from tuner.worker.losses import DEVICE_LOST, Losses
from tuner.worker.orders import Orders
from tuner.worker.probing import Probing, holds, most_slots
from tuner.worker.slots import Pool, Slot

if TYPE_CHECKING:  # Optuna is imported while the first trainer loads its model
    from tuner.study.records import Suggestion
    from tuner.worker.opening import OpenStudy

TICK = 0.1
PAUSE_PATIENCE = 30.0
END_PATIENCE = 10.0
MOST_SETUPS_LOST = 3


class Worker:
    """Runs one session until it is finished, paused, stopped or failed.

    `signalled` gives the name of the signal that asked for a pause, None while none did.
    """

    def __init__(
        self,
        session: Session,
        recipe: Recipe,
        journal: Journal,
        pool: Pool,
        signalled: Callable[[], str | None],
    ) -> None:
        self._session = session
        self._recipe = recipe
        self._journal = journal
        self._pool = pool
        self._signalled = signalled
        self._orders = Orders(session, journal)
        self._open: OpenStudy | None = None
        self._left_over: list[Suggestion] = []
        self._failure: str | None = None
        self._refused = False
        self._pausing = False
        self._probing: Probing | None = None
        self._losses = Losses(recipe.training.silence_seconds)

    def run(self, started: float) -> int:
        """Work to the end and return the exit code; `started` tells old commands from new ones."""
        self._orders.take_old(started)
        self._open_trainer(self._pool.slots[0])
        from tuner.worker.opening import prepare

        prepare(self._session)
        while True:
            self._take_commands()
            code = self._end()
            if code is not None:
                return code
            self._probe()
            self._keep_to_time()
            self._assign()
            self._losses.end_silent_trainers(self._pool)
            self._journal.refuse_moved()
            for slot, message in self._pool.messages(TICK):
                self._handle(slot, message)

    # ── commands ─────────────────────────────────────────────────────────────────────────────

    def _take_commands(self) -> None:
        self._orders.take()
        while self._orders.prunes:
            self._prune(self._orders.prunes.pop(0))
        while self._open is not None and self._orders.enqueues:
            self._enqueue(self._open, self._orders.enqueues.pop(0))

    def _prune(self, command: c.Prune) -> None:
        slots = [slot for slot in self._pool.slots if slot.has(command.trial)]
        if self._open is None or not slots:
            self._orders.done(command.id, f"trial {command.trial} is not running", ok=False)
            return
        self._open.trials.prune(command.trial, "pruned by hand")
        self._give_up(slots[0])
        self._orders.done(command.id, f"trial {command.trial} is pruned")

    def _enqueue(self, study: OpenStudy, command: c.Enqueue) -> None:
        try:
            self._orders.done(command.id, study.enqueue(command))
        except TunerError as error:
            self._orders.done(command.id, str(error), ok=False)

    # ── trainers ─────────────────────────────────────────────────────────────────────────────

    def _open_trainer(self, slot: Slot) -> None:
        setup = p.Setup(
            session=str(self._session.path),
            recipe=recipe_to_dict(self._recipe),
            device="auto",
            threads=threads_for_each(len(self._pool.slots)),
            check=self._open is None and not self._journal.view.trials,
        )
        self._pool.open(slot, setup)

    def _probe(self) -> None:
        """Go on finding out how many trials to train side by side, where that is open."""
        chosen = None if self._probing is None else self._probing.go_on()
        if chosen is not None:
            self._journal.record(chosen)
            self._pool.resize(chosen.slots)
            self._probing = None

    def _assign(self) -> None:
        """Give every free slot a trainer and a trial, as long as there is something to train."""
        if self._probing is not None:
            return
        for slot in self._pool.slots if self._open is not None else self._pool.slots[:1]:
            if slot.trainer is None and (slot.trial or self._has_more() or self._open is None):
                self._open_trainer(slot)
            if self._open is not None and slot.ready is not None and not slot.sent:
                if slot.trial is None and self._has_more():
                    slot.trial = self._next(self._open)
                self._send_trial(self._open, slot)

    def _has_more(self) -> bool:
        if self._open is None or self._orders.drains:
            return False
        return bool(self._unfinished(self._open)) or self._open.over() is None

    def _unfinished(self, study: OpenStudy) -> list[Suggestion]:
        """What earlier workers left unfinished, and is to go on now."""
        return [trial for trial in self._left_over if not study.stays_paused(trial)]

    def _next(self, study: OpenStudy) -> Suggestion:
        for trial in self._unfinished(study):
            self._left_over.remove(trial)
            return trial
        return study.ask()

    def _keep_to_time(self) -> None:
        """Once the time is up, what runs of the plan ends with what it has, or pauses."""
        study = self._open
        if study is None or not study.is_out_of_time():
            return
        for slot in self._pool.slots:
            trial = slot.trial
            if trial is None or not slot.sent or slot.ended or slot.finishing:
                continue
            if study.ends_on_timeout(trial):
                slot.finishing = True
                pauses = study.stays_paused(trial)
                slot.send(p.Pause() if pauses else p.Finish(trial=trial.number))

    def _send_trial(self, study: OpenStudy, slot: Slot) -> None:
        trial = slot.trial
        if trial is None:
            return
        if trial.number not in study.trials.view.trials:
            study.trials.started(trial, slot.device, 0)
            slot.announced = True
        best = study.trials.view.best_trial()
        slot.sent = True
        slot.send(
            p.Train(
                trial=trial.number,
                config=study.trials.config(trial),
                metric=study.trials.view.metric,
                direction=study.trials.view.direction,
                best_value=None if best is None else best.value,
                best_one_label=best is not None and best.one_label,
                threads=threads_for_each(len(self._pool.slots)),
                halvings=study.trials.view.trials[trial.number].short_of_memory,
            )
        )

    def _give_up(self, slot: Slot) -> None:
        """The trial is over for study and log; a trainer that has it answers `Stopped`."""
        if slot.trial is None or not slot.sent:
            slot.free()
        else:
            slot.ended = True
            slot.send(p.Prune(trial=slot.trial.number))

    def _handle(self, slot: Slot, message: TrainerMessage) -> None:
        match message:
            case p.Ready():
                self._ready(slot, message)
            case p.Probed() if self._probing is not None:
                self._probing.heard(slot, message)
            case p.Refused() | p.Failed() if message.cause == NO_ROOM:
                raise NoRoom(message.error)
            case p.Refused() if self._probing is not None:
                self._probing.lost(slot, message.error)
            case p.Refused() if message.lines:
                # Nobody foresaw this, and another trainer may do better: `Lost` follows.
                slot.refusal = message.error
                self._journal.log("error", f"a trainer could not begin: {message.error}")
            case p.Refused():
                self._failure, self._refused = message.error, True
            case p.Note():
                self._journal.log(message.level, message.text)
            case Garbled():
                self._journal.log("error", f"a message of the trainer's: {message.line[:200]}")
                slot.end_trainer()
            case Lost():
                self._lost(slot, message)
            case p.Paused() | p.Scored() | p.Probed():
                pass
            case _:
                self._handle_trial(slot, message)

    def _ready(self, slot: Slot, ready: p.Ready) -> None:
        slot.ready, slot.setups_lost = ready, 0
        if self._open is not None:
            return
        for line in ready.loading.lines if ready.loading else ():
            self._journal.log("notice", line)
        for line in ready.loading.warnings if ready.loading else ():
            self._journal.log("warning", line)
        for note in ready.notes:
            self._journal.log("info", note)
        if ready.warnings:
            name = self._session.name
            self._journal.log("warning", checked_line(ready.warnings, name))
        from tuner.worker.opening import open_study

        try:
            self._open = open_study(self._session, self._recipe, self._journal, ready)
        except TunerError as error:
            self._failure = str(error)
            return
        self._left_over = self._open.study.running()
        self._begin_probing(self._open, ready)

    def _begin_probing(self, study: OpenStudy, ready: p.Ready) -> None:
        """For slots = "auto", unless there is no choice or it was found out on this machine."""
        chosen = study.trials.view.chosen
        if isinstance(self._recipe.search.slots, int) or holds(chosen, ready.device):
            return
        self._pool.resize(1)
        if most_slots(study.planned, ready.device) > 1:
            self._probing = Probing(
                self._pool, self._open_trainer, study.recipe, study.planned, ready
            )

    def _handle_trial(
        self,
        slot: Slot,
        message: p.Started | p.Progress | p.Evaluated | p.Completed | p.Stopped | p.Failed,
    ) -> None:
        if self._open is None or slot.trial is None or slot.trial.number != message.trial:
            return
        trials = self._open.trials
        match message:
            case p.Started() if not slot.ended:
                self._losses.begun(message.trial, message.step)
                if not slot.announced:
                    trials.started(slot.trial, slot.device, message.step)
                    slot.announced = True
            case p.Progress() if not slot.ended:
                trials.progressed(message)
            case p.Evaluated() if not slot.ended and not self._pausing:
                self._evaluated(slot, message)
            case p.Completed() | p.Failed() | p.Stopped():
                self._ended(slot, message)
            case _:
                pass

    def _evaluated(self, slot: Slot, message: p.Evaluated) -> None:
        assert self._open is not None
        if slot.finishing:
            # It ends in any case: an evaluation at an odd moment is not compared with others.
            self._open.trials.note_evaluation(message)
            slot.send(p.Go(trial=message.trial))
        elif self._open.trials.evaluated(message):
            slot.send(p.Go(trial=message.trial))
        else:
            self._give_up(slot)

    def _ended(self, slot: Slot, message: p.Completed | p.Failed | p.Stopped) -> None:
        """The trainer has let go of the trial."""
        assert self._open is not None
        trials = self._open.trials
        if isinstance(message, p.Failed) and not slot.ended:
            if self._losses.failed(trials, message):
                slot.renew()
                return
            self._failure = trials.failing()
        elif isinstance(message, p.Completed) and not slot.ended:
            trials.completed(message)
        slot.free()
        trials.tidy(message.trial)
        if isinstance(message, p.Failed) and message.cause == DEVICE_LOST:
            slot.renew()

    def _lost(self, slot: Slot, lost: Lost) -> None:
        if self._pausing or self._signalled():
            return  # the signal may have gone to the trainers, too: what they had is on the disk
        if self._probing is not None:
            self._probing.lost(slot, lost.describe())
            return
        if slot.setups_lost >= MOST_SETUPS_LOST:
            _, what = self._losses.cause(slot, lost)
            self._failure = f"no trainer could be started: {slot.refusal or what + _last(lost)}"
        if slot.setups_lost or slot.trial is None or self._open is None:
            return
        trials, number = self._open.trials, slot.trial.number
        if not slot.ended and self._open.stays_paused(slot.trial):
            slot.free()
            return
        if not slot.ended:
            if self._losses.lost(trials, slot, number, lost):
                return
            self._failure = trials.failing()
        slot.free()
        trials.tidy(number)

    # ── ends ─────────────────────────────────────────────────────────────────────────────────

    def _end(self) -> int | None:
        """End the session where it is time to; the exit code then."""
        if self._failure is not None:
            return self._fail(self._failure)
        if self._orders.stops and self._open is not None:
            return self._stop(self._open)
        signal = self._signalled()
        if signal is not None or self._orders.pauses:
            return self._pause(signal or "asked for")
        if any(slot.trial for slot in self._pool.slots) or self._has_more():
            return None
        if self._open is None:
            return self._pause("asked for") if self._orders.drains else None
        return self._finish(self._open)

    def _finish(self, study: OpenStudy) -> int:
        over = None if self._unfinished(study) else study.over()
        self._pool.end(END_PATIENCE)
        if over is None:
            return self._close(e.SessionPaused(reason="drained"), "paused")
        if not has_result(study.trials.view):
            return self._end_without_result(study.trials.view, over)
        return self._close(e.SessionFinished(reason=over), "finished")

    def _end_without_result(self, view: SessionView, over: str) -> int:
        self._close(e.SessionFailed(reason=no_result_reason(view, over), over=over), "failed")
        return 1

    def _pause(self, reason: str) -> int:
        """Checkpoint everything. A trainer that does not come to an end is killed: the checkpoint
        on the disk is whole at any time.
        """
        self._pausing = True
        for slot in self._pool.with_trainers():
            if slot.ready is None:
                slot.end_trainer()
            else:
                slot.send(p.Pause())
        deadline = time.monotonic() + PAUSE_PATIENCE
        while self._pool.with_trainers() and time.monotonic() < deadline:
            for slot, message in self._pool.messages(TICK):
                self._handle(slot, message)
        self._pool.kill()
        return self._close(e.SessionPaused(reason=reason), "paused")

    def _stop(self, study: OpenStudy) -> int:
        self._pool.kill()
        for trial in study.study.running():
            study.trials.prune(trial.number, "the study was stopped")
        return self._close(e.SessionStopped(reason="asked for"), "stopped")

    def _fail(self, reason: str) -> int:
        self._pool.kill()
        self._close(e.SessionFailed(reason=reason, refused=self._refused), "failed")
        return 1

    def _close(self, last: e.Event, answer: str) -> int:
        """The last words, once no trainer is left."""
        clean_ended_trials(self._session, self._journal.view)
        self._journal.record(last)
        self._orders.answer_ends(answer)
        return 0


def _last(lost: Lost) -> str:
    """The last line that the trainer printed, where it printed any."""
    line = next((line for line in reversed(lost.lines) if line.strip()), "")
    return f": {line.strip()}" if line else ""
