"""What becomes of the trials: each fact goes into the study first, then into the log."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from tuner.pool import protocol as p
from tuner.recipe.config import TrialConfig
from tuner.recipe.origins import SEED
from tuner.recipe.space import build_trial_config, search_space
from tuner.recipe.types import Recipe
from tuner.results.collapse import detect_collapse, only_predicted_label
from tuner.results.metrics import worst_metric_value
from tuner.results.verdict import METHOD, Verdict, judge_importance
from tuner.session import events as e
from tuner.session.folder import Session
from tuner.session.generations import make_point_test
from tuner.session.rung_text import rung_comparison_text
from tuner.session.view import SessionView, TrialState, TrialView
from tuner.study.records import Suggestion
from tuner.study.study import Study
from tuner.worker.best_model import keep_best_model, remove_trial_files
from tuner.worker.event_log import EventLog
from tuner.worker.message_events import event_from

IMPORTANCE_FROM = 4
IMPORTANCE_RARER_FROM = 50
IMPORTANCE_EVERY = 5
FAILURES_IN_A_ROW = 3
TrialEnd = e.TrialPruned | e.TrialCollapsed | e.TrialCompleted | e.TrialFailed


class TrialRecorder:
    """The trials of one session: study, log and folder in step.

    `recipe` has only the groups that hold something in its model.
    """

    def __init__(self, session: Session, recipe: Recipe, study: Study, event_log: EventLog) -> None:
        self._session = session
        self._recipe = recipe
        self._study = study
        self._event_log = event_log

    @property
    def session_view(self) -> SessionView:
        return self._event_log.view

    def config_of_trial(self, suggestion: Suggestion) -> TrialConfig:
        values = {**suggestion.params, **suggestion.fixed}
        return build_trial_config(self._recipe, values, suggestion.number)

    def record_started(self, suggestion: Suggestion, device: str, step: int) -> None:
        """Record that a trainer has the trial, from step 0 or from a checkpoint."""
        self._event_log.record_event(
            e.TrialStarted(
                trial=suggestion.number,
                generation=self._study.generation_number,
                params=dict(suggestion.params),
                fixed=dict(suggestion.fixed),
                origin=suggestion.origin,
                seed=self.config_of_trial(suggestion).seed,
                device=device,
                resumed_at=step,
            )
        )

    def log_repeated_proposal(self, suggestion: Suggestion) -> None:
        """Log that the sampler repeated an earlier trial, and what was done instead."""
        earlier_number, number = suggestion.proposed_again, suggestion.number
        seed = suggestion.fixed.get(SEED)
        instead = "another one is tried" if seed is None else f"it is tried on seed {seed}"
        self._event_log.log_message(
            "info",
            f"trial {number}: the sampler proposed the values of trial {earlier_number}: {instead}",
        )

    def record_progress(self, message: p.Progress) -> None:
        self._event_log.record_event(event_from(e.Step, message))

    def record_and_judge(self, message: p.Evaluated) -> bool:
        """Record an evaluation and judge it; return whether the trial is to go on.

        One that the log has already, because it is from before a checkpoint, is decided on again:
        the worker may have been lost before the decision was written.
        """
        self.record_evaluation(message)
        if self._end_if_collapsed(self.session_view.trials[message.trial], message.step):
            return False
        return self._passes_rung(message)

    def record_evaluation(self, message: p.Evaluated) -> None:
        """Record an evaluation unless the log has it."""
        trial = self.session_view.trials[message.trial]
        if all(message.step != evaluation.step for evaluation in trial.evaluations):
            self._event_log.record_event(event_from(e.Evaluated, message))

    def _end_if_collapsed(self, trial: TrialView, step: int) -> bool:
        collapse = find_collapse(trial, self._recipe, step)
        if collapse is None:
            return False
        self._study_after_sync().collapse_trial(trial.number)
        self._event_log.record_event(collapsed_event(self.session_view, trial, *collapse))
        return True

    def _passes_rung(self, message: p.Evaluated) -> bool:
        value = message.metrics[self._recipe.search.metric]
        one_label = only_predicted_label(message.confusion) is not None
        decision = self._study.record_evaluation(
            message.trial, message.share, value, one_label=one_label
        )
        if decision is None:
            return True
        rung = self._find_logged_rung(message.trial, decision.share)
        if rung is None:
            # An earlier evaluation that predicts several labels may be the one that is kept.
            as_worst = one_label and decision.value == worst_metric_value(
                self._recipe.search.metric
            )
            rung = self._event_log.record_event(
                event_from(
                    e.Rung,
                    decision,
                    trial=message.trial,
                    value=value if as_worst else decision.value,
                    one_label=as_worst,
                )
            )
        if not rung.kept:
            self.prune_trial(message.trial, pruned_at_rung_text(rung))
        return rung.kept

    def _find_logged_rung(self, number: int, share: float) -> e.Rung | None:
        """Find a decision that was recorded: it stands, even if other trials have ended since."""
        rungs = self.session_view.trials[number].rungs
        return next((rung for rung in rungs if rung.share == share), None)

    def _study_after_sync(self) -> Study:
        """Return the study, about to hear of an end, once what led there is on the disk."""
        self._event_log.sync_to_disk()
        return self._study

    def prune_trial(self, number: int, reason: str) -> None:
        trial = self.session_view.trials.get(number, TrialView(number))
        value = trial.value
        self._study_after_sync().prune_trial(number, value, one_label=trial.one_label)
        self._event_log.record_event(
            e.TrialPruned(
                trial=number, reason=reason, value=value, seconds=self._seconds_of_trial(number)
            )
        )

    def record_completed(self, message: p.Completed) -> None:
        one_label = answers_one_label(self.session_view.trials[message.trial], message.step)
        self._study_after_sync().complete_trial(message.trial, message.value, one_label=one_label)
        share = share_of_schedule_done(self.session_view.trials[message.trial])
        self._event_log.record_event(
            event_from(e.TrialCompleted, message, one_label=one_label, share=share)
        )
        self.settle_complete_trials()

    def record_failed(self, number: int, cause: str, error: str, lines: list[str]) -> None:
        self._study_after_sync().fail_trial(number)
        self._event_log.record_event(
            e.TrialFailed(
                trial=number,
                cause=cause,
                error=error,
                lines=lines,
                seconds=self._seconds_of_trial(number),
            )
        )

    def reason_to_fail_session(self) -> str | None:
        """Say why the session is to end if the latest trials all failed with the same cause."""
        latest = list(itertools.islice(_iterate_latest_ends(self.session_view), FAILURES_IN_A_ROW))
        causes = {end.cause if isinstance(end, e.TrialFailed) else None for end in latest}
        if len(latest) < FAILURES_IN_A_ROW or len(causes) > 1 or None in causes:
            return None
        assert isinstance(latest[0], e.TrialFailed)
        count, latest_failure = FAILURES_IN_A_ROW, latest[0]
        return f"{count} trials failed in a row ({latest_failure.cause}): {latest_failure.error}"

    def record_retried(self, number: int, cause: str, error: str) -> None:
        """Record that the trial is tried again from its checkpoint."""
        attempt = self.session_view.trials[number].attempts
        self._event_log.record_event(
            e.TrialRetried(trial=number, cause=cause, error=error, attempt=attempt)
        )

    def settle_complete_trials(self) -> None:
        """Do all that follows from a complete trial and is not done yet."""
        keep_best_model(self._session, self._event_log)
        complete = self.session_view.count_trials(TrialState.COMPLETE)
        completed_between = IMPORTANCE_EVERY if complete > IMPORTANCE_RARER_FROM else 1
        if (
            complete < IMPORTANCE_FROM
            or _count_completed_since_importance(self.session_view) < completed_between
        ):
            return
        verdict = self._judge_importance()
        if verdict.shares and verdict.complete >= IMPORTANCE_FROM:
            shares, count = dict(verdict.shares), verdict.complete
            self._event_log.record_event(e.Importance(values=shares, method=METHOD, trials=count))

    def _judge_importance(self) -> Verdict:
        """Compute what `tuner importance` would say, without its intervals."""
        return judge_importance(
            self.session_view.trials.values(),
            search_space(self._recipe),
            is_point=make_point_test(self.session_view, self._recipe),
            metric=self.session_view.metric,
            maximize=self.session_view.direction == "maximize",
            resamples=0,
        )

    def remove_leftover_files(self, number: int) -> None:
        remove_trial_files(self._session, number)

    def _seconds_of_trial(self, number: int) -> float:
        trial = self.session_view.trials.get(number)
        return 0.0 if trial is None else trial.seconds


def share_of_schedule_done(trial: TrialView) -> float:
    """Return how much of its schedule a trial had done when it completed."""
    return trial.evaluations[-1].share if trial.evaluations else 1.0


def find_collapse(
    trial: TrialView, recipe: Recipe, step: int | None = None
) -> tuple[int, str] | None:
    """Return label and reason if the trial had collapsed by a step (the last one where None)."""
    rule = recipe.search.collapse
    if rule == "off":
        return None
    evaluations = [
        evaluation for evaluation in trial.evaluations if step is None or evaluation.step <= step
    ]
    values = {**trial.params, **trial.fixed}
    warmup = build_trial_config(recipe, values, trial.number).warmup
    return detect_collapse(evaluations, warmup, rule if isinstance(rule, int) else None)


def collapse_known_to_study(trial: TrialView, recipe: Recipe) -> tuple[int, str]:
    """Return label and reason of a trial that the study has as collapsed, by whichever rule."""
    label = only_predicted_label(trial.evaluations[-1].confusion) if trial.evaluations else None
    rule = "one label for every row, by the rule that held then"
    return find_collapse(trial, recipe) or (label or 0, rule)


def collapsed_event(
    view: SessionView, trial: TrialView, label: int, reason: str
) -> e.TrialCollapsed:
    name = view.labels[label] if label < len(view.labels) else str(label)
    return e.TrialCollapsed(trial=trial.number, reason=reason, label=name, seconds=trial.seconds)


def answers_one_label(trial: TrialView, step: int) -> bool:
    """Check whether the model evaluated at this step predicts one label for all rows."""
    evaluations_at_step = [
        evaluation for evaluation in trial.evaluations if evaluation.step == step
    ]
    return (
        bool(evaluations_at_step)
        and only_predicted_label(evaluations_at_step[-1].confusion) is not None
    )


def pruned_at_rung_text(rung: e.Rung) -> str:
    return f"pruned, {rung_comparison_text(rung)}"


def _iterate_latest_ends(view: SessionView) -> Iterator[TrialEnd]:
    """Yield the ends of trials since the session last failed, latest first."""
    for event in reversed(view.history):
        if isinstance(event, e.SessionFailed):
            return
        if isinstance(event, TrialEnd):
            yield event


def _count_completed_since_importance(view: SessionView) -> int:
    since = itertools.takewhile(
        lambda event: not isinstance(event, e.Importance), reversed(view.history)
    )
    return sum(isinstance(event, e.TrialCompleted) for event in since)
