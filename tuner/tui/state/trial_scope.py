"""What the panes of the trial screen are about: one trial, one evaluation of it, one comparison."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tuner.errors import TunerError
from tuner.recipe.config import TrialConfig
from tuner.recipe.origins import repeated_trial_number
from tuner.recipe.ranges import Space
from tuner.recipe.space import build_trial_config
from tuner.recipe.types import Recipe
from tuner.render.confusion_cells import Mode
from tuner.render.confusion_matrix import ReferenceMatrix
from tuner.render.misclassified import (
    MatrixCell,
    RowSelection,
    cell_row_positions,
    select_row_positions,
)
from tuner.render.range_text import searched_settings
from tuner.render.trial_curves import LOSS_CHOICES, LossChoice
from tuner.render.trial_parameters import EndedValues, ValueRanks
from tuner.session.events import AnyEvent, Evaluated, Unknown
from tuner.session.kept_evaluation import kept_or_last_index
from tuner.session.predictions import Predictions, read_kept_predictions, read_predictions
from tuner.session.reruns import original_trial_number, recipe_of_generation
from tuner.session.scores import ScoreWithInterval, score_of_trial
from tuner.session.validation_texts import ValidationTexts, read_validation_texts
from tuner.session.view import ENDED_STATES, SessionView, TrialView
from tuner.tui.state.workspace import Workspace

Answer = TypeVar("Answer")
MODES: tuple[Mode, ...] = ("counts", "row", "column")


@dataclass(frozen=True)
class MisclassifiedRows:
    """Rows of the errors tab as positions in the predictions; `reason` says why there are none."""

    rows: tuple[int, ...] = ()
    predictions: Predictions | None = None
    reason: str = ""


class TrialScope:
    """What the panes of one trial share, so that all show the same evaluation; cached."""

    def __init__(self, workspace: Workspace, number: int, now: Callable[[], float]) -> None:
        self.workspace = workspace
        self.reader = workspace.reader
        self.number = number
        self.now = now
        self.matrix_mode: Mode = "counts"
        self.drawn_curves: LossChoice = "both"
        self.which: RowSelection = "wrong"
        self.cell: MatrixCell | None = None
        self.compared_number: int | None = None
        self._chosen_index: int | None = None
        self._ended_values = EndedValues()
        self._answers: dict[str, tuple[object, object]] = {}
        self._events: dict[int, list[AnyEvent | Unknown]] = {}
        self._indexed_events = 0

    # The trial and the evaluation

    @property
    def view(self) -> SessionView:
        return self.reader.view

    @property
    def trial(self) -> TrialView:
        return self.view.trials[self.number]

    @property
    def kept_index(self) -> int | None:
        """The evaluation that the trial's value is from, else the last one."""
        return kept_or_last_index(self.trial)

    @property
    def shown_index(self) -> int | None:
        """The evaluation on screen: the kept one until another is chosen; None without any."""
        if self._chosen_index is None or self.kept_index is None:
            return self.kept_index
        return min(self._chosen_index, len(self.trial.evaluations) - 1)

    @property
    def shown_evaluation(self) -> Evaluated | None:
        return None if self.shown_index is None else self.trial.evaluations[self.shown_index]

    def trial_score(self) -> ScoreWithInterval | None:
        basis = (self.number, self.trial.value, self.trial.state, len(self.trial.evaluations))
        return self._computed_once(
            "score", basis, lambda: score_of_trial(self.reader.session, self.view, self.trial)
        )

    def empty_state_text(self, what: str, when: str) -> tuple[str, str]:
        """Say what will be here and when, or that it will never be."""
        if self.trial.state in ENDED_STATES:
            return (
                f"{what}: nothing to show",
                f"the trial is {self.trial.state.value}: it ended before",
            )
        return f"{what} will be here", when

    def step_evaluation(self, step: int) -> None:
        if self.shown_index is not None:
            self._chosen_index = min(
                max(self.shown_index + step, 0), len(self.trial.evaluations) - 1
            )

    def show_nearest_evaluation(self, share: float) -> None:
        """Show the evaluation nearest to a share of the schedule."""
        distances = [abs(item.share - share) for item in self.trial.evaluations]
        self._chosen_index = distances.index(min(distances)) if distances else None

    def narrow_to_cell(self, evaluation_index: int, cell: MatrixCell) -> None:
        """Show only the rows of one cell of the confusion matrix, at one evaluation."""
        self._chosen_index, self.cell = evaluation_index, cell

    def show_neighbour(self, step: int) -> bool:
        """Go to a neighbor that matches the filter; return False at the ends."""
        numbers = [trial.number for trial in self.workspace.matching_trials()]
        if self.number not in numbers:
            numbers = sorted(self.view.trials)
        index = numbers.index(self.number) + step
        if not 0 <= index < len(numbers):
            return False
        self.show_trial(numbers[index])
        return True

    def show_trial(self, number: int) -> None:
        """Show another trial, at its kept evaluation."""
        self.number, self._chosen_index = number, None
        self.compared_number = None if self.compared_number == number else self.compared_number

    def involves_trial(self, number: int) -> bool:
        """Tell whether another trial is shown here, too: the one compared with, or a re-run."""
        trial = self.view.trials.get(number)
        if trial is None or number == self.compared_number:
            return number == self.compared_number
        first = original_trial_number(self.view, self.number)
        return first in (number, repeated_trial_number(trial.origin))

    # How it is shown

    def cycle_matrix_mode(self) -> None:
        """Cycle through counts, percent of rows, percent of columns."""
        self.matrix_mode = MODES[(MODES.index(self.matrix_mode) + 1) % len(MODES)]

    def cycle_drawn_curves(self) -> None:
        """Cycle through both curves, evaluation, training."""
        self.drawn_curves = LOSS_CHOICES[
            (LOSS_CHOICES.index(self.drawn_curves) + 1) % len(LOSS_CHOICES)
        ]

    def cycle_compared_trial(self) -> None:
        """Cycle through the difference with the best, with each marked trial, and none."""
        candidates = [self.view.best, *self.workspace.marks]
        others = [n for n in dict.fromkeys(candidates) if n is not None and self._is_comparable(n)]
        index = others.index(self.compared_number) + 1 if self.compared_number in others else 0
        self.compared_number = others[index] if index < len(others) else None

    def _is_comparable(self, number: int) -> bool:
        trial = self.view.trials.get(number)
        return trial is not None and number != self.number and bool(trial.evaluations)

    def subtracted_matrix(self) -> ReferenceMatrix | None:
        """Return the matrix to subtract: that of the other trial's kept evaluation."""
        trial = None if self.compared_number is None else self.view.trials.get(self.compared_number)
        return None if trial is None else kept_matrix(trial, f"#{trial.number}", subtract=True)

    # What is worked out once

    def search_space(self) -> Space:
        return self._computed_once(
            "space", self._recipe_version(), lambda: searched_settings(self.view)
        )

    def value_ranks(self) -> ValueRanks:
        """Return the ranks of the trial's values among the ended trials."""
        basis = (self.number, self.reader.trial_counts.ended_count)
        return self._computed_once(
            "ranks",
            basis,
            lambda: self._ended_values.add_ended_trials(self.view).ranks_of_trial(self.trial),
        )

    def recipe_of_trial(self) -> Recipe | None:
        """Return the recipe as it was when the trial ran; None if the log does not have it."""
        basis = (self.trial.generation, self._recipe_version())
        return self._computed_once(
            "recipe", basis, lambda: recipe_of_generation(self.view, self.trial.generation)
        )

    def trainer_config(self) -> TrialConfig | None:
        """Return all that the trainer was given for the trial."""
        basis = (self.number, self.trial.generation, self._recipe_version())
        return self._computed_once("config", basis, self._build_trainer_config)

    def _build_trainer_config(self) -> TrialConfig | None:
        recipe, trial = self.recipe_of_trial(), self.trial
        try:
            values = {**trial.params, **trial.fixed}
            return None if recipe is None else build_trial_config(recipe, values, trial.number)
        except TunerError:
            return None

    def _recipe_version(self) -> object:
        return (id(self.view.recipe), self.view.generation)

    def events_of_trial(self) -> list[AnyEvent | Unknown]:
        """Return the trial's events, in order."""
        history = self.view.history
        for index in range(self._indexed_events, len(history)):
            number = getattr(history[index], "trial", None)
            if isinstance(number, int):
                self._events.setdefault(number, []).append(history[index])
        self._indexed_events = len(history)
        return self._events.get(self.number, [])

    # Rows

    def misclassified_rows(self) -> MisclassifiedRows:
        """Return the rows of the errors tab at the evaluation on screen."""
        kind = (self.which, self.cell)
        basis = (self.number, self.shown_index, *kind, self.view.best, self._best_kept_step())
        return self._computed_once("errors", basis, self._find_misclassified_rows)

    def _best_kept_step(self) -> int | None:
        best = self.view.find_best_trial()
        return None if best is None else best.kept_step

    def _find_misclassified_rows(self) -> MisclassifiedRows:
        if self.shown_index is None:
            return MisclassifiedRows(reason="the trial has no evaluation yet")
        try:
            predictions = read_predictions(self.reader.session, self.number, self.shown_index)
            if self.cell is not None:
                return MisclassifiedRows(
                    tuple(cell_row_positions(predictions, self.cell)), predictions
                )
            best_predictions = self._best_predictions() if self.which != "wrong" else None
            rows = select_row_positions(predictions, best_predictions, self.which)
        except TunerError as error:
            return MisclassifiedRows(reason=str(error))
        return MisclassifiedRows(tuple(rows), predictions)

    def _best_predictions(self) -> Predictions:
        best = self.view.find_best_trial()
        if best is None:
            raise TunerError("no trial is complete yet, so there is no best one to compare with")
        if best.number == self.number:
            raise TunerError("this is the best trial: there is nothing better to compare it with")
        return read_kept_predictions(self.reader.session, best)

    def validation_texts(self) -> ValidationTexts | str:
        """Return the texts of the validation rows, or why there are none."""

        def read_texts() -> ValidationTexts | str:
            try:
                return read_validation_texts(self.reader.session)
            except TunerError as error:
                return str(error)

        return self._computed_once("texts", len(self.view.rows), read_texts)

    def _computed_once(self, name: str, basis: object, work: Callable[[], Answer]) -> Answer:
        cached = self._answers.get(name)
        if cached is not None and cached[0] == basis:
            return cached[1]  # type: ignore[return-value]
        answer = work()
        self._answers[name] = (basis, answer)
        return answer


def kept_matrix(trial: TrialView, name: str, *, subtract: bool) -> ReferenceMatrix | None:
    """Return the confusion matrix of the evaluation that a trial is scored by."""
    index = kept_or_last_index(trial)
    if index is None:
        return None
    return ReferenceMatrix(name, trial.evaluations[index].confusion, subtract)
