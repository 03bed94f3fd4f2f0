"""The worker: one loop over what the trainers say and what the users ask for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tuner.errors import TunerError
from tuner.pool import protocol as p
from tuner.pool.causes import NO_KERNELS
from tuner.pool.disk import NO_ROOM, DiskFull
from tuner.pool.trainer import TrainerExited, TrainerMessage, UndecodableMessage
from tuner.recipe.load import recipe_to_dict
from tuner.recipe.types import Recipe
from tuner.session import commands as c
from tuner.session import events as e
from tuner.session.budget import count_trials_left
from tuner.session.folder import Session
from tuner.session.search_end import has_complete_trial, reason_without_result
from tuner.session.view import ENDED_STATES, SessionView
from tuner.worker.best_model import remove_files_of_ended_trials
from tuner.worker.event_log import EventLog
from tuner.worker.parallelism import threads_per_trainer
from tuner.worker.pending_commands import PendingCommands
from tuner.worker.retries import RetryPolicy
from tuner.worker.session_kernels import SessionKernels
from tuner.worker.slot_probe import SlotProbe, choice_still_holds, highest_slot_count
from tuner.worker.slots import SlotPool, TrainerSlot

if TYPE_CHECKING:  # Optuna is imported while the first trainer loads its model
    from tuner.study.records import Suggestion
    from tuner.worker.open_study import OpenStudy
    from tuner.worker.trial_messages import TrialMessageHandler

TICK = 0.1
PAUSE_PATIENCE = 30.0
END_PATIENCE = 10.0
MOST_SETUPS_LOST = 3


class SessionWorker:
    """Runs one session until it is finished, paused, stopped or failed.

    `signalled` gives the name of the signal that asked for a pause, None while none did.
    """

    def __init__(
        self,
        session: Session,
        recipe: Recipe,
        event_log: EventLog,
        pool: SlotPool,
        signalled: Callable[[], str | None],
        *,
        rechoose: bool = False,
    ) -> None:
        self._session = session
        self._recipe = recipe
        self._event_log = event_log
        self._pool = pool
        self._signalled = signalled
        self._commands = PendingCommands(session, event_log)
        self._kernels = SessionKernels(session, event_log, rechoose=rechoose)
        self._open_study: OpenStudy | None = None
        self._trial_messages: TrialMessageHandler | None = None
        self._left_over_trials: list[Suggestion] = []
        self._failure_reason: str | None = None
        self._refused = False
        self._failure_cause = ""
        self._pausing = False
        self._slot_probe: SlotProbe | None = None
        self._retry_policy = RetryPolicy(recipe.training.silence_seconds)

    def run_to_end(self, started: float) -> int:
        """Run to the end and return the exit code; commands from before `started` are outdated."""
        self._commands.take_earlier_commands(started)
        self._start_first_trainers()
        from tuner.worker.open_study import prepare_study_storage

        prepare_study_storage(self._session)
        while True:
            self._carry_out_commands()
            code = self._end_if_due()
            if code is not None:
                return code
            self._continue_slot_probe()
            self._enforce_time_budget()
            self._assign_trials()
            self._retry_policy.end_silent_trainers(self._pool)
            self._event_log.refuse_moved_folder()
            for slot, message in self._pool.receive_messages(TICK):
                self._handle_message(slot, message)

    # ── commands ─────────────────────────────────────────────────────────────────────────────

    def _carry_out_commands(self) -> None:
        self._commands.take_new_commands()
        while self._commands.prunes:
            self._carry_out_prune(self._commands.prunes.pop(0))
        while self._open_study is not None and self._commands.enqueues:
            self._carry_out_enqueue(self._open_study, self._commands.enqueues.pop(0))

    def _carry_out_prune(self, command: c.Prune) -> None:
        slots = [slot for slot in self._pool.slots if slot.is_training_trial(command.trial)]
        if self._open_study is None or not slots:
            self._commands.answer_command(
                command.id, f"trial {command.trial} is not running", ok=False
            )
            return
        self._open_study.recorder.prune_trial(command.trial, "pruned by hand")
        slots[0].give_up_trial()
        self._commands.answer_command(command.id, f"trial {command.trial} is pruned")

    def _carry_out_enqueue(self, study: OpenStudy, command: c.Enqueue) -> None:
        try:
            self._commands.answer_command(command.id, study.accept_enqueue(command))
        except TunerError as error:
            self._commands.answer_command(command.id, str(error), ok=False)

    # ── trainers ─────────────────────────────────────────────────────────────────────────────

    def _start_first_trainers(self) -> None:
        """Start a trainer in every slot for which the plan has a trial, in the first one anyway.

        They load side by side, and meanwhile this process imports Optuna.
        """
        view = self._event_log.view
        unfinished = sum(trial.state not in ENDED_STATES for trial in view.trials.values())
        trials_to_train = unfinished + count_trials_left(view, self._recipe)
        for slot in self._pool.slots[: max(1, trials_to_train)]:
            self._start_trainer_in_slot(slot)

    def _start_trainer_in_slot(self, slot: TrainerSlot) -> None:
        kernels, rule = self._kernels.for_next_trainer()
        is_first = slot is self._pool.slots[0] and self._open_study is None
        setup = p.Setup(
            session=str(self._session.path),
            recipe=recipe_to_dict(self._recipe),
            device="auto",
            threads=threads_per_trainer(len(self._pool.slots)),
            check=is_first and not self._event_log.view.trials,
            kernels=kernels,
            kernels_rule=rule,
        )
        self._pool.start_trainer(slot, setup)

    def _continue_slot_probe(self) -> None:
        """Continue the probe for the number of slots, if there is one."""
        slots_choice = None if self._slot_probe is None else self._slot_probe.continue_probe()
        if slots_choice is not None:
            self._event_log.record_event(slots_choice)
            self._pool.resize_slots(slots_choice.slots)
            self._slot_probe = None

    def _assign_trials(self) -> None:
        """Give every free slot a trainer and a trial while there is something to train."""
        if self._slot_probe is not None:
            return
        for slot in self._pool.slots if self._open_study is not None else self._pool.slots[:1]:
            if slot.trainer is None and (
                slot.trial or self._has_more_to_train() or self._open_study is None
            ):
                self._start_trainer_in_slot(slot)
            if self._open_study is not None and slot.ready is not None and not slot.is_trial_sent:
                if slot.trial is None and self._has_more_to_train():
                    slot.trial = self._next_suggestion(self._open_study)
                self._send_trial_to_trainer(self._open_study, slot)

    def _has_more_to_train(self) -> bool:
        if self._open_study is None or self._commands.drains:
            return False
        return (
            bool(self._left_over_to_resume(self._open_study))
            or self._open_study.reason_to_end() is None
        )

    def _left_over_to_resume(self, study: OpenStudy) -> list[Suggestion]:
        """Return what earlier workers left unfinished and is to be resumed now."""
        return [trial for trial in self._left_over_trials if not study.stays_paused_for_time(trial)]

    def _next_suggestion(self, study: OpenStudy) -> Suggestion:
        for trial in self._left_over_to_resume(study):
            self._left_over_trials.remove(trial)
            return trial
        return study.next_trial()

    def _enforce_time_budget(self) -> None:
        """Once the time is up, ask running trials of the plan to finish or to pause."""
        study = self._open_study
        if study is None or not study.is_out_of_time():
            return
        for slot in self._pool.slots:
            trial = slot.trial
            if trial is None or not slot.is_trial_sent or slot.is_trial_over or slot.is_finishing:
                continue
            if study.ends_at_time_budget(trial):
                slot.is_finishing = True
                pauses = study.stays_paused_for_time(trial)
                slot.send_request(p.Pause() if pauses else p.Finish(trial=trial.number))

    def _send_trial_to_trainer(self, study: OpenStudy, slot: TrainerSlot) -> None:
        trial = slot.trial
        if trial is None:
            return
        if trial.number not in study.recorder.session_view.trials:
            study.recorder.record_started(trial, slot.device_name, 0)
            slot.is_trial_announced = True
        best = study.recorder.session_view.find_best_trial()
        slot.is_trial_sent = True
        slot.send_request(
            p.Train(
                trial=trial.number,
                config=study.recorder.config_of_trial(trial),
                metric=study.recorder.session_view.metric,
                direction=study.recorder.session_view.direction,
                best_value=None if best is None else best.value,
                best_one_label=best is not None and best.one_label,
                threads=threads_per_trainer(len(self._pool.slots)),
                halvings=study.recorder.session_view.trials[trial.number].oom_retries,
            )
        )

    def _handle_message(self, slot: TrainerSlot, message: TrainerMessage) -> None:
        match message:
            case p.Ready():
                self._handle_ready(slot, message)
            case p.Probed() if self._slot_probe is not None:
                self._slot_probe.record_measurement(slot, message)
            case p.Refused() | p.Failed() if message.cause == NO_ROOM:
                raise DiskFull(message.error)
            case p.Refused() if message.cause == NO_KERNELS:
                self._failure_reason = self._kernels.advise_to_rechoose(message.error)
                self._refused, self._failure_cause = True, message.cause
            case p.Refused() if self._slot_probe is not None:
                self._slot_probe.record_lost_trainer(slot, message.error)
            case p.Refused() if message.lines:
                # Nobody foresaw this, and another trainer may do better: `Lost` follows.
                slot.refusal = message.error
                self._event_log.log_message("error", f"a trainer could not start: {message.error}")
            case p.Refused():
                self._failure_reason, self._refused = message.error, True
            case p.Note():
                self._event_log.log_message(message.level, message.text)
            case UndecodableMessage():
                self._event_log.log_message(
                    "error", f"the trainer sent a message that cannot be read: {message.line[:200]}"
                )
                slot.kill_trainer()
            case TrainerExited():
                self._handle_lost_trainer(slot, message)
            case p.Paused() | p.Scored() | p.Probed():
                pass
            case _ if self._trial_messages is not None:
                failure = self._trial_messages.handle_message(
                    slot, message, is_pausing=self._pausing
                )
                self._failure_reason = failure or self._failure_reason

    def _handle_ready(self, slot: TrainerSlot, ready: p.Ready) -> None:
        if not self._kernels.accept_trainer(ready):
            slot.renew_trainer()
            return
        slot.ready, slot.setups_lost = ready, 0
        if self._open_study is not None or slot is not self._pool.slots[0]:
            return  # the study is opened with what the first slot's trainer found
        from tuner.worker.open_study import log_findings, open_session_study
        from tuner.worker.trial_messages import TrialMessageHandler

        log_findings(self._event_log, ready, self._session.name)
        try:
            self._open_study = open_session_study(
                self._session, self._recipe, self._event_log, ready
            )
        except TunerError as error:
            self._failure_reason = str(error)
            return
        self._trial_messages = TrialMessageHandler(self._open_study.recorder, self._retry_policy)
        self._left_over_trials = self._open_study.study.running_suggestions()
        self._begin_slot_probe(self._open_study, ready)

    def _begin_slot_probe(self, study: OpenStudy, ready: p.Ready) -> None:
        """Probe for slots = "auto", unless there is no choice or it was made on this machine."""
        slots_choice = study.recorder.session_view.slots_choice
        if isinstance(self._recipe.search.slots, int) or choice_still_holds(
            slots_choice, ready.device
        ):
            return
        self._pool.resize_slots(1)
        if highest_slot_count(study.planned_trials, ready.device) > 1:
            self._slot_probe = SlotProbe(
                self._pool, self._start_trainer_in_slot, study.recipe, study.planned_trials, ready
            )

    def _handle_lost_trainer(self, slot: TrainerSlot, lost: TrainerExited) -> None:
        if self._pausing or self._signalled():
            return  # the signal may have gone to the trainers, too: what they had is on the disk
        if self._slot_probe is not None:
            self._slot_probe.record_lost_trainer(slot, lost.describe_exit())
            return
        if slot.setups_lost >= MOST_SETUPS_LOST:
            _, description = self._retry_policy.cause_of_loss(slot, lost)
            reason = slot.refusal or description + _last_printed_line(lost)
            self._failure_reason = f"no trainer could be started: {reason}"
        if slot.setups_lost or slot.trial is None or self._open_study is None:
            return
        if not slot.is_trial_over and self._open_study.stays_paused_for_time(slot.trial):
            slot.release_trial()
        elif self._trial_messages is not None:
            failure = self._trial_messages.handle_lost_trainer(slot, slot.trial.number, lost)
            self._failure_reason = failure or self._failure_reason

    # ── ends ─────────────────────────────────────────────────────────────────────────────────

    def _end_if_due(self) -> int | None:
        """End the session where it is time to; return the exit code then."""
        if self._failure_reason is not None:
            return self._fail_session(self._failure_reason)
        if self._commands.stops and self._open_study is not None:
            return self._stop_session(self._open_study)
        signal = self._signalled()
        if signal is not None or self._commands.pauses:
            return self._pause_session(signal or "asked for")
        if any(slot.trial for slot in self._pool.slots) or self._has_more_to_train():
            return None
        if self._open_study is None:
            return self._pause_session("asked for") if self._commands.drains else None
        return self._finish_session(self._open_study)

    def _finish_session(self, study: OpenStudy) -> int:
        over_reason = None if self._left_over_to_resume(study) else study.reason_to_end()
        self._pool.end_all_trainers(END_PATIENCE)
        if over_reason is None:
            return self._close_session(e.SessionPaused(reason="drained"), "paused")
        if not has_complete_trial(study.recorder.session_view):
            return self._end_without_result(study.recorder.session_view, over_reason)
        return self._close_session(e.SessionFinished(reason=over_reason), "finished")

    def _end_without_result(self, view: SessionView, over_reason: str) -> int:
        self._close_session(
            e.SessionFailed(reason=reason_without_result(view, over_reason), over=over_reason),
            "failed",
        )
        return 1

    def _pause_session(self, reason: str) -> int:
        """Checkpoint everything and pause the session.

        A trainer that does not end is killed: the checkpoint on the disk is whole at any time.
        """
        self._pausing = True
        for slot in self._pool.slots_with_trainers():
            if slot.ready is None:
                slot.kill_trainer()
            else:
                slot.send_request(p.Pause())
        deadline = time.monotonic() + PAUSE_PATIENCE
        while self._pool.slots_with_trainers() and time.monotonic() < deadline:
            for slot, message in self._pool.receive_messages(TICK):
                self._handle_message(slot, message)
        self._pool.kill_all_trainers()
        return self._close_session(e.SessionPaused(reason=reason), "paused")

    def _stop_session(self, study: OpenStudy) -> int:
        self._pool.kill_all_trainers()
        for trial in study.study.running_suggestions():
            study.recorder.prune_trial(trial.number, "the study was stopped")
        return self._close_session(e.SessionStopped(reason="asked for"), "stopped")

    def _fail_session(self, reason: str) -> int:
        self._pool.kill_all_trainers()
        self._close_session(
            e.SessionFailed(reason=reason, refused=self._refused, cause=self._failure_cause),
            "failed",
        )
        return 1

    def _close_session(self, last_event: e.Event, answer: str) -> int:
        """Record the last event once no trainer is left."""
        remove_files_of_ended_trials(self._session, self._event_log.view)
        self._event_log.record_event(last_event)
        self._commands.answer_end_requests(answer)
        return 0


def _last_printed_line(lost: TrainerExited) -> str:
    """Return the last line that the trainer printed, after a colon; "" where it printed none."""
    line = next((line for line in reversed(lost.lines) if line.strip()), "")
    return f": {line.strip()}" if line else ""
