"""What becomes of the trials: each fact goes into the study first, then into the log."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from tuner.pool import protocol as p
from tuner.recipe.config import TrialConfig
from tuner.recipe.origins import SEED
from tuner.recipe.space import search_space, trial_config
from tuner.recipe.types import Recipe
from tuner.results.collapse import collapse_reason, only_label
from tuner.results.metrics import worst_value
from tuner.results.verdict import METHOD, Verdict, judge
from tuner.session import events as e
from tuner.session.fold import ENDED
from tuner.session.folder import Session
from tuner.session.generations import point_test
from tuner.session.view import SessionView, TrialState, TrialView
from tuner.study.pruners import RungDecision
from tuner.study.records import Suggestion
from tuner.study.study import Study
from tuner.worker.best import clean_trial, keep_best
from tuner.worker.journal import Journal

IMPORTANCE_FROM = 4
IMPORTANCE_RARER_FROM = 50
IMPORTANCE_EVERY = 5
FAILURES_IN_A_ROW = 3
TrialEnd = e.TrialPruned | e.TrialCollapsed | e.TrialCompleted | e.TrialFailed


class Trials:
    """The trials of one session: study, log and folder in step.

    `recipe` has only the groups that hold something in its model.
    """

    def __init__(self, session: Session, recipe: Recipe, study: Study, journal: Journal) -> None:
        self._session = session
        self._recipe = recipe
        self._study = study
        self._journal = journal

    @property
    def view(self) -> SessionView:
        return self._journal.view

    def config(self, suggestion: Suggestion) -> TrialConfig:
        """All that the trainer needs to know of a trial."""
        values = {**suggestion.params, **suggestion.fixed}
        return trial_config(self._recipe, values, suggestion.number)

    def has_ended(self, number: int) -> bool:
        """Whether the log has the trial's end."""
        return number in self.view.trials and self.view.trials[number].state in ENDED

    def started(self, suggestion: Suggestion, device: str, step: int) -> None:
        """A trainer has the trial, from the beginning or from a checkpoint."""
        self._journal.record(
            e.TrialStarted(
                trial=suggestion.number,
                generation=self._study.generation,
                params=dict(suggestion.params),
                fixed=dict(suggestion.fixed),
                origin=suggestion.origin,
                seed=self.config(suggestion).seed,
                device=device,
                resumed_at=step,
            )
        )

    def note_repeated_proposal(self, suggestion: Suggestion) -> None:
        """The sampler proposed what an earlier trial was: say so, and what was done instead."""
        before, number = suggestion.proposed_again, suggestion.number
        seed = suggestion.fixed.get(SEED)
        instead = "another one is tried" if seed is None else f"it is tried on seed {seed}"
        self._journal.log(
            "info", f"trial {number}: the sampler proposed the values of trial {before}: {instead}"
        )

    def progressed(self, message: p.Progress) -> None:
        """At most two a second."""
        self._journal.record(
            e.Step(
                trial=message.trial,
                step=message.step,
                of=message.of,
                loss=message.loss,
                learning_rates=message.learning_rates,
                examples_per_second=message.examples_per_second,
                memory=message.memory,
            )
        )

    def evaluated(self, message: p.Evaluated) -> bool:
        """Log an evaluation and decide on it: whether the trial is to go on.

        One that the log has already, because it is from before a checkpoint, is decided on again:
        the worker may have been lost before the decision was written.
        """
        self.note_evaluation(message)
        if self._collapsed(self.view.trials[message.trial], message.step):
            return False
        return self._passed_rung(message)

    def note_evaluation(self, message: p.Evaluated) -> None:
        """Log an evaluation, unless the log has it."""
        trial = self.view.trials[message.trial]
        if all(message.step != known.step for known in trial.evaluations):
            self._journal.record(_as_event(message))

    def _collapsed(self, trial: TrialView, step: int) -> bool:
        found = collapse_of(trial, self._recipe, step)
        if found is None:
            return False
        self._told().collapse(trial.number)
        self._journal.record(collapsed_event(self.view, trial, *found))
        return True

    def _passed_rung(self, message: p.Evaluated) -> bool:
        value = message.metrics[self._recipe.search.metric]
        one_label = only_label(message.confusion) is not None
        decision = self._study.evaluate(message.trial, message.share, value, one_label=one_label)
        if decision is None:
            return True
        rung = self._logged_rung(message.trial, decision.share)
        if rung is None:
            # An earlier evaluation with several answers may be the one that it is kept with.
            as_worst = one_label and decision.value == worst_value(self._recipe.search.metric)
            rung = self._journal.record(_rung_event(message.trial, decision, value, as_worst))
        if not rung.kept:
            self.prune(message.trial, rung_reason(rung))
        return rung.kept

    def _logged_rung(self, number: int, share: float) -> e.Rung | None:
        """A decision that was written stands, even if others have ended since."""
        rungs = self.view.trials[number].rungs
        return next((rung for rung in rungs if rung.share == share), None)

    def _told(self) -> Study:
        """The study, which is about to hear of an end: what led there is on the disk before."""
        self._journal.sync()
        return self._study

    def prune(self, number: int, reason: str) -> None:
        """End a trial before its time."""
        trial = self.view.trials.get(number, TrialView(number))
        value = trial.value
        self._told().prune(number, value, one_label=trial.one_label)
        self._journal.record(
            e.TrialPruned(trial=number, reason=reason, value=value, seconds=self._seconds(number))
        )

    def completed(self, message: p.Completed) -> None:
        """A trial came to the end of its schedule."""
        one_label = is_one_label(self.view.trials[message.trial], message.step)
        self._told().complete(message.trial, message.value, one_label=one_label)
        self._journal.record(
            e.TrialCompleted(
                trial=message.trial,
                value=message.value,
                epoch=message.epoch,
                step=message.step,
                seconds=message.seconds,
                memory=message.memory,
                one_label=one_label,
                share=share_done(self.view.trials[message.trial]),
            )
        )
        self.settle()

    def failed(self, number: int, cause: str, error: str, lines: list[str]) -> None:
        """A trial cannot go on."""
        self._told().fail(number)
        self._journal.record(
            e.TrialFailed(
                trial=number, cause=cause, error=error, lines=lines, seconds=self._seconds(number)
            )
        )

    def failing(self) -> str | None:
        """Why the session is to end, where the latest trials all failed with the same cause."""
        latest = list(itertools.islice(_ends(self.view), FAILURES_IN_A_ROW))
        causes = {end.cause if isinstance(end, e.TrialFailed) else None for end in latest}
        if len(latest) < FAILURES_IN_A_ROW or len(causes) > 1 or None in causes:
            return None
        assert isinstance(latest[0], e.TrialFailed)
        count, last = FAILURES_IN_A_ROW, latest[0]
        return f"{count} trials failed in a row ({last.cause}): {last.error}"

    def retried(self, number: int, cause: str, error: str) -> None:
        """The trial was set back, and is tried again from its checkpoint."""
        attempt = self.view.trials[number].attempts
        self._journal.record(
            e.TrialRetried(trial=number, cause=cause, error=error, attempt=attempt)
        )

    def settle(self) -> None:
        """All that follows from a complete trial; what was done already is left as it is."""
        keep_best(self._session, self._journal)
        complete = self.view.count(TrialState.COMPLETE)
        every = IMPORTANCE_EVERY if complete > IMPORTANCE_RARER_FROM else 1
        if complete < IMPORTANCE_FROM or _completed_since_importance(self.view) < every:
            return
        verdict = self._judge()
        if verdict.shares and verdict.complete >= IMPORTANCE_FROM:
            shares, count = dict(verdict.shares), verdict.complete
            self._journal.record(e.Importance(values=shares, method=METHOD, trials=count))

    def _judge(self) -> Verdict:
        """What `tuner importance` would say, without its intervals."""
        return judge(
            self.view.trials.values(),
            search_space(self._recipe),
            is_point=point_test(self.view, self._recipe),
            metric=self.view.metric,
            maximize=self.view.direction == "maximize",
            resamples=0,
        )

    def tidy(self, number: int) -> None:
        """Remove what an ended trial does not need any more."""
        clean_trial(self._session, number)

    def _seconds(self, number: int) -> float:
        trial = self.view.trials.get(number)
        return 0.0 if trial is None else trial.seconds


def share_done(trial: TrialView) -> float:
    """How much of its schedule a trial had done when it ended as complete."""
    return trial.evaluations[-1].share if trial.evaluations else 1.0


def collapse_of(
    trial: TrialView, recipe: Recipe, step: int | None = None
) -> tuple[int, str] | None:
    """Label and reason where the trial had collapsed at a step (the last one where None)."""
    rule = recipe.search.collapse
    if rule == "off":
        return None
    seen = [known for known in trial.evaluations if step is None or known.step <= step]
    values = {**trial.params, **trial.fixed}
    warmup = trial_config(recipe, values, trial.number).warmup
    return collapse_reason(seen, warmup, rule if isinstance(rule, int) else None)


def collapse_in_study(trial: TrialView, recipe: Recipe) -> tuple[int, str]:
    """Label and reason of a trial that the study has as collapsed, by whichever rule that was."""
    label = only_label(trial.evaluations[-1].confusion) if trial.evaluations else None
    rule = "one label for every row, by the rule that held then"
    return collapse_of(trial, recipe) or (label or 0, rule)


def collapsed_event(
    view: SessionView, trial: TrialView, label: int, reason: str
) -> e.TrialCollapsed:
    """The end of a trial whose model answers one label only."""
    name = view.labels[label] if label < len(view.labels) else str(label)
    return e.TrialCollapsed(trial=trial.number, reason=reason, label=name, seconds=trial.seconds)


def is_one_label(trial: TrialView, step: int) -> bool:
    """Whether the model of the evaluation at this step has one answer for all rows."""
    kept = [seen for seen in trial.evaluations if seen.step == step]
    return bool(kept) and only_label(kept[-1].confusion) is not None


def rung_reason(rung: e.Rung) -> str:
    """Why a rung ended a trial: "pruned at 33 %: 0.541 < cutoff 0.603, rank 7 of 9"."""
    at = f"pruned at {round(rung.share * 100)} %"
    rank = f"rank {rung.rank} of {rung.among}"
    if rung.cutoff is None:
        return f"{at}: {rung.value:.3g}, {rank}"
    if rung.one_label:
        return f"{at}: one label for every row; cutoff {rung.cutoff:.3g}, {rank}"
    sign = "<" if rung.value < rung.cutoff else ">" if rung.value > rung.cutoff else "="
    return f"{at}: {rung.value:.3g} {sign} cutoff {rung.cutoff:.3g}, {rank}"


def _ends(view: SessionView) -> Iterator[TrialEnd]:
    """The ends of trials since the session failed the last time, the latest first."""
    for event in reversed(view.history):
        if isinstance(event, e.SessionFailed):
            return
        if isinstance(event, TrialEnd):
            yield event


def _completed_since_importance(view: SessionView) -> int:
    """How many trials were completed since importance was logged the last time."""
    since = itertools.takewhile(
        lambda event: not isinstance(event, e.Importance), reversed(view.history)
    )
    return sum(isinstance(event, e.TrialCompleted) for event in since)


def _rung_event(number: int, decision: RungDecision, value: float, one_label: bool) -> e.Rung:
    return e.Rung(
        trial=number,
        share=decision.share,
        kept=decision.kept,
        value=value if one_label else decision.value,
        cutoff=decision.cutoff,
        rank=decision.rank,
        among=decision.among,
        rule=decision.rule,
        spared=decision.spared,
        one_label=one_label,
    )


def _as_event(message: p.Evaluated) -> e.Evaluated:
    return e.Evaluated(
        trial=message.trial,
        epoch=message.epoch,
        share=message.share,
        step=message.step,
        of=message.of,
        metrics=message.metrics,
        confusion=message.confusion,
        gradient_norms=message.gradient_norms,
        train_loss=message.train_loss,
        seconds=message.seconds,
        updates=message.updates,
        guess_loss=message.guess_loss,
        loss_spread=message.loss_spread,
        row_information=message.row_information,
    )
