"""What the panes of the trial screen are about: one trial, one evaluation of it, one comparison."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tuner.errors import TunerError
from tuner.recipe.config import TrialConfig
from tuner.recipe.origins import repeated
from tuner.recipe.space import trial_config
from tuner.recipe.types import Recipe
from tuner.session.events import AnyEvent, Evaluated, Unknown
from tuner.session.fold import ENDED
from tuner.session.lineage import first_of, recipe_of
from tuner.session.predictions import Predictions, kept_predictions, read_predictions
from tuner.session.scores import Score, score_of
from tuner.session.texts import RowTexts, row_texts
from tuner.session.view import SessionView, TrialView
from tuner.tui.render.confusion import Against
from tuner.tui.render.errors import Cell, Which, cell_rows, chosen_rows
from tuner.tui.render.matrix import Mode
from tuner.tui.render.space import Space, searched
from tuner.tui.render.trial import kept_evaluation
from tuner.tui.render.trial_curves import DRAWN, Drawn
from tuner.tui.render.trial_params import EndedValues, Ranks
from tuner.tui.workspace import Workspace

Answer = TypeVar("Answer")
MODES: tuple[Mode, ...] = ("counts", "row", "column")


@dataclass(frozen=True)
class Errors:
    """The rows of the errors tab: positions in the predictions; `why` says why there are none."""

    rows: tuple[int, ...] = ()
    predictions: Predictions | None = None
    why: str = ""


class TrialScope:
    """Shared by all panes, so that they show the same evaluation. Costly answers are remembered."""

    def __init__(self, workspace: Workspace, number: int, clock: Callable[[], float]) -> None:
        self.workspace = workspace
        self.feed = workspace.feed
        self.number = number
        self.now = clock
        self.mode: Mode = "counts"
        self.drawn: Drawn = "both"
        self.which: Which = "wrong"
        self.cell: Cell | None = None
        self.other: int | None = None
        self._chosen: int | None = None
        self._ended = EndedValues()
        self._known: dict[str, tuple[object, object]] = {}
        self._events: dict[int, list[AnyEvent | Unknown]] = {}
        self._indexed = 0

    # The trial and the evaluation

    @property
    def view(self) -> SessionView:
        """The session's view."""
        return self.feed.view

    @property
    def trial(self) -> TrialView:
        """The trial."""
        return self.view.trials[self.number]

    @property
    def kept(self) -> int | None:
        """Which evaluation the trial's value is from, else the last one."""
        return kept_evaluation(self.trial)

    @property
    def at(self) -> int | None:
        """Which evaluation is shown: the kept one until another is chosen; None without any."""
        if self._chosen is None or self.kept is None:
            return self.kept
        return min(self._chosen, len(self.trial.evaluations) - 1)

    @property
    def evaluation(self) -> Evaluated | None:
        """The evaluation that is shown."""
        return None if self.at is None else self.trial.evaluations[self.at]

    def score(self) -> Score | None:
        """What the trial's score is worth."""
        basis = (self.number, self.trial.value, self.trial.state, len(self.trial.evaluations))
        return self._once(
            "score", basis, lambda: score_of(self.feed.session, self.view, self.trial)
        )

    def nothing(self, what: str, when: str) -> tuple[str, str]:
        """An empty state: what will be there and when, or that it will never be."""
        if self.trial.state in ENDED:
            return (
                f"{what}: there is nothing",
                f"the trial is {self.trial.state.value}, it ended before",
            )
        return f"{what} will be here", when

    def scrub(self, step: int) -> None:
        """An earlier or later evaluation."""
        if self.at is not None:
            self._chosen = min(max(self.at + step, 0), len(self.trial.evaluations) - 1)

    def scrub_to(self, share: float) -> None:
        """The evaluation that is nearest to a share of the schedule."""
        apart = [abs(item.share - share) for item in self.trial.evaluations]
        self._chosen = apart.index(min(apart)) if apart else None

    def narrow_to(self, at: int, cell: Cell) -> None:
        """The rows of one cell of the confusion matrix, at one evaluation."""
        self._chosen, self.cell = at, cell

    def go(self, step: int) -> bool:
        """To a neighbour that passes the filter; False at the ends."""
        numbers = [trial.number for trial in self.workspace.passing()]
        if self.number not in numbers:
            numbers = sorted(self.view.trials)
        at = numbers.index(self.number) + step
        if not 0 <= at < len(numbers):
            return False
        self.number, self._chosen = numbers[at], None
        self.other = None if self.other == self.number else self.other
        return True

    def concerns(self, number: int) -> bool:
        """Whether another trial is shown here, too: the one compared with, or a re-run."""
        other = self.view.trials.get(number)
        if other is None or number == self.other:
            return number == self.other
        first = first_of(self.view, self.number)
        return first in (number, repeated(other.origin))

    # How it is shown

    def next_mode(self) -> None:
        """Counts, percent of rows, percent of columns."""
        self.mode = MODES[(MODES.index(self.mode) + 1) % len(MODES)]

    def next_drawn(self) -> None:
        """Both, evaluation, training."""
        self.drawn = DRAWN[(DRAWN.index(self.drawn) + 1) % len(DRAWN)]

    def next_other(self) -> None:
        """The difference with the best, then with each marked trial, then none."""
        wanted = [self.view.best, *self.workspace.marks]
        others = [n for n in dict.fromkeys(wanted) if n is not None and self._comparable(n)]
        at = others.index(self.other) + 1 if self.other in others else 0
        self.other = others[at] if at < len(others) else None

    def _comparable(self, number: int) -> bool:
        other = self.view.trials.get(number)
        return other is not None and number != self.number and bool(other.evaluations)

    def against(self) -> Against | None:
        """The matrix to subtract: that of the other trial's kept evaluation."""
        other = None if self.other is None else self.view.trials.get(self.other)
        kept = None if other is None else kept_evaluation(other)
        if other is None or kept is None:
            return None
        return Against(f"#{other.number}", other.evaluations[kept].confusion, subtract=True)

    # What is worked out once

    def space(self) -> Space:
        """The searched settings with their ranges."""
        return self._once("space", self._recipe_basis(), lambda: searched(self.view))

    def ranks(self) -> Ranks:
        """The ranks of the trial's values among the ended trials."""
        basis = (self.number, self.feed.tally.ended)
        return self._once("ranks", basis, lambda: self._ended.update(self.view).ranks(self.trial))

    def recipe(self) -> Recipe | None:
        """The recipe as it was when the trial ran; None where the log does not tell."""
        basis = (self.trial.generation, self._recipe_basis())
        return self._once("recipe", basis, lambda: recipe_of(self.view, self.trial.generation))

    def config(self) -> TrialConfig | None:
        """All that the trainer was told of the trial."""
        basis = (self.number, self.trial.generation, self._recipe_basis())
        return self._once("config", basis, self._config)

    def _config(self) -> TrialConfig | None:
        recipe, trial = self.recipe(), self.trial
        try:
            values = {**trial.params, **trial.fixed}
            return None if recipe is None else trial_config(recipe, values, trial.number)
        except TunerError:
            return None

    def _recipe_basis(self) -> object:
        return (id(self.view.recipe), self.view.generation)

    def events(self) -> list[AnyEvent | Unknown]:
        """What the log says of the trial, in order."""
        history = self.view.history
        for index in range(self._indexed, len(history)):
            number = getattr(history[index], "trial", None)
            if isinstance(number, int):
                self._events.setdefault(number, []).append(history[index])
        self._indexed = len(history)
        return self._events.get(self.number, [])

    # Rows

    def errors(self) -> Errors:
        """The rows of the errors tab at the evaluation that is shown."""
        kind = (self.which, self.cell)
        basis = (self.number, self.at, *kind, self.view.best, self._best_basis())
        return self._once("errors", basis, self._errors)

    def _best_basis(self) -> int | None:
        best = self.view.best_trial()
        return None if best is None else best.kept_step

    def _errors(self) -> Errors:
        if self.at is None:
            return Errors(why="the trial has no evaluation yet")
        try:
            predictions = read_predictions(self.feed.session, self.number, self.at)
            if self.cell is not None:
                return Errors(tuple(cell_rows(predictions, self.cell)), predictions)
            other = self._best_predictions() if self.which != "wrong" else None
            rows = chosen_rows(predictions, other, self.which)
        except TunerError as error:
            return Errors(why=str(error))
        return Errors(tuple(rows), predictions)

    def _best_predictions(self) -> Predictions:
        best = self.view.best_trial()
        if best is None:
            raise TunerError("no trial is complete yet, so there is no best one to compare with")
        if best.number == self.number:
            raise TunerError("this is the best trial: there is no other to compare it with")
        return kept_predictions(self.feed.session, best)

    def texts(self) -> RowTexts | str:
        """The texts of the validation rows, or why there are none."""

        def read() -> RowTexts | str:
            try:
                return row_texts(self.feed.session)
            except TunerError as error:
                return str(error)

        return self._once("texts", len(self.view.rows), read)

    def _once(self, name: str, basis: object, work: Callable[[], Answer]) -> Answer:
        known = self._known.get(name)
        if known is not None and known[0] == basis:
            return known[1]  # type: ignore[return-value]
        answer = work()
        self._known[name] = (basis, answer)
        return answer
