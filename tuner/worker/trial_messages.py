"""What becomes of a trial by the messages of its trainer, or when the trainer is lost."""

from __future__ import annotations

from tuner.pool import protocol as p
from tuner.pool.causes import DEVICE_LOST
from tuner.pool.trainer import TrainerExited
from tuner.worker.retries import RetryPolicy
from tuner.worker.slots import TrainerSlot
from tuner.worker.trial_recorder import TrialRecorder

TrialMessage = p.Started | p.Progress | p.Evaluated | p.Completed | p.Stopped | p.Failed


class TrialMessageHandler:
    """Records what trainers report of their trials, decides, and answers.

    Methods return why the session is to end, None where it goes on.
    """

    def __init__(self, recorder: TrialRecorder, retry_policy: RetryPolicy) -> None:
        self._recorder = recorder
        self._retry_policy = retry_policy

    def handle_message(
        self, slot: TrainerSlot, message: TrialMessage, *, is_pausing: bool
    ) -> str | None:
        """Handle a message about the trial of a slot; one about another trial came too late."""
        if slot.trial is None or slot.trial.number != message.trial:
            return None
        match message:
            case p.Started() if not slot.is_trial_over:
                self._retry_policy.note_trial_started(message.trial, message.step)
                if not slot.is_trial_announced:
                    self._recorder.record_started(slot.trial, slot.device_name, message.step)
                    slot.is_trial_announced = True
            case p.Progress() if not slot.is_trial_over:
                self._recorder.record_progress(message)
            case p.Evaluated() if not slot.is_trial_over and not is_pausing:
                self._handle_evaluated(slot, message)
            case p.Completed() | p.Failed() | p.Stopped():
                return self._handle_trial_end(slot, message)
            case _:
                pass
        return None

    def handle_lost_trainer(
        self, slot: TrainerSlot, number: int, lost: TrainerExited
    ) -> str | None:
        """Have the trial tried again, or record that it failed."""
        reason = None
        if not slot.is_trial_over:
            if self._retry_policy.retry_after_loss(self._recorder, slot, number, lost):
                return None
            reason = self._recorder.reason_to_fail_session()
        slot.release_trial()
        self._recorder.remove_leftover_files(number)
        return reason

    def _handle_evaluated(self, slot: TrainerSlot, message: p.Evaluated) -> None:
        if slot.is_finishing:
            # It ends in any case: an evaluation at an odd moment is not compared with others.
            self._recorder.record_evaluation(message)
            slot.send_request(p.Go(trial=message.trial))
        elif self._recorder.record_and_judge(message):
            slot.send_request(p.Go(trial=message.trial))
        else:
            slot.give_up_trial()

    def _handle_trial_end(
        self, slot: TrainerSlot, message: p.Completed | p.Failed | p.Stopped
    ) -> str | None:
        """Handle a trial that its trainer has let go of."""
        reason = None
        if isinstance(message, p.Failed) and not slot.is_trial_over:
            if self._retry_policy.retry_after_failure(self._recorder, message):
                slot.renew_trainer()
                return None
            reason = self._recorder.reason_to_fail_session()
        elif isinstance(message, p.Completed) and not slot.is_trial_over:
            self._recorder.record_completed(message)
        slot.release_trial()
        self._recorder.remove_leftover_files(message.trial)
        if isinstance(message, p.Failed) and message.cause == DEVICE_LOST:
            slot.renew_trainer()
        return reason
