"""The panes of words and numbers about a trial: values, summary, rungs, events, last lines."""

from __future__ import annotations

from tuner.recipe.space import settings
from tuner.results import format as fmt
from tuner.results.format import plain
from tuner.session.view import TrialState
from tuner.tui.render.events import event_runs
from tuner.tui.render.lined import Lines
from tuner.tui.render.matrix import class_scores
from tuner.tui.render.names import fit, wrapped
from tuner.tui.render.styles import Styles
from tuner.tui.render.trial_facts import fact_lines, facts_in_words
from tuner.tui.render.trial_params import parameter_lines
from tuner.tui.render.trial_rungs import end_lines, rung_lines, rungs_in_words
from tuner.tui.widgets.lines import centred, styles_of
from tuner.tui.widgets.scope_pane import ScopePane


class ParamsPane(ScopePane):
    """Every value with its rank and its place in its range."""

    def __init__(self, *args: object, facts: bool = False) -> None:
        self._with_facts = facts
        super().__init__(*args)  # type: ignore[arg-type]

    def lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        """The table, and what else is known where that has no pane of its own."""
        scope, styles = self.scope, styles_of(self)
        lines = parameter_lines(scope.trial, scope.space(), scope.ranks(), width, styles)
        if self._with_facts and not self.is_narrow:
            lines += [
                [],
                *fact_lines(scope.view, scope.trial, width, styles, scope.now(), scope.score()),
            ]
        return lines

    def describe(self) -> None:
        """The keys."""
        self.entitle("", "y copy   E export   e edited copy")


class FactsPane(ScopePane):
    """What is known beside the values, and the settings that the recipe fixes."""

    def lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        """Facts, then fixed settings."""
        scope, styles = self.scope, styles_of(self)
        lines = fact_lines(scope.view, scope.trial, width, styles, scope.now(), scope.score())
        return [*lines, [], *self._fixed(width, styles)]

    def _fixed(self, width: int, styles: Styles) -> Lines:
        recipe = self.scope.recipe()
        if recipe is None:
            return [[("the log does not tell the recipe of this trial", styles.muted)]]
        own = {**self.scope.trial.params, **self.scope.trial.fixed}
        fixed = {name: value for name, value in settings(recipe).items() if name not in own}
        lines: Lines = [[("fixed by the recipe", styles.muted)]]
        name_width = min(max((len(plain(name)) for name in fixed), default=8), width // 2)
        for name, value in fixed.items():
            shown = fmt.setting(name, value)
            lines.append(
                [(fit(plain(name), name_width), styles.text), (f"  {shown}", styles.heading)]
            )
        return lines


class SummaryPane(ScopePane):
    """Rungs, facts and the recall of every class in few lines, for narrow screens."""

    def lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        """Only what there is."""
        scope, styles = self.scope, styles_of(self)
        lines: Lines = [
            [(line, styles.text)] for line in wrapped(rungs_in_words(scope.trial), width) if line
        ]
        lines += end_lines(scope.view, scope.trial, width, styles)
        facts = facts_in_words(scope.view, scope.trial, scope.now())
        lines += [[(line, styles.muted)] for line in wrapped(facts, width)]
        if item := scope.evaluation:
            scores = class_scores(item.confusion, scope.view.labels)
            found = (
                f"{score.label} {row[index]}/{score.n} ({fmt.percent(score.recall)})"
                for index, (score, row) in enumerate(zip(scores, item.confusion, strict=True))
            )
            text = f"{fmt.epoch(item.epoch)}: " + " · ".join(found)
            lines += [[], *([(line, styles.text)] for line in wrapped(text, width))]
        return lines


class RungsPane(ScopePane):
    """Where the trial was compared, and below it what happened to it."""

    def lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        """Decisions first."""
        scope, styles = self.scope, styles_of(self)
        rungs = rung_lines(scope.view, scope.trial, width, styles)
        if not rungs:
            rungs = [[("not compared with others yet: the first rung decides", styles.muted)]]
        events = event_lines(self, width)
        return [*rungs, [], [("events", styles.muted)], *events]


class TrialEventsPane(ScopePane):
    """Every event of the trial with its reason."""

    def lines(self, width: int, height: int) -> Lines:
        """In the order in which they happened."""
        texts = ("What happens to this trial will be told here", "beginning with its start")
        return event_lines(self, width) or centred(texts, width, height, styles_of(self))

    def describe(self) -> None:
        """How many there are."""
        self.entitle(str(len(self.scope.events())))


def event_lines(pane: ScopePane, width: int) -> Lines:
    """The events of the pane's trial, one line each."""
    view, styles = pane.scope.view, styles_of(pane)
    events = pane.scope.events()
    return [event_runs(event, view, width, styles, numbered=False) for event in events]


class TrainerPane(ScopePane):
    """The last lines that a failed trial's trainer printed."""

    def lines(self, width: int, height: int) -> Lines:
        """The lines, or why there are none."""
        trial, styles = self.scope.trial, styles_of(self)
        if trial.lines:
            return [[(plain(line.expandtabs(4)), styles.text)] for line in trial.lines]
        why = "the trial failed without a word of its trainer"
        if trial.state is not TrialState.FAILED:
            why = "only a trial that failed leaves some; the Log view has worker.log as a whole"
        return centred(("No last lines of the trainer", why), width, height, styles)
