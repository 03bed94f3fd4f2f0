"""The panes of words and numbers about a trial: values, summary, rungs, events, last lines."""

from __future__ import annotations

from tuner.recipe.space import settings_by_name
from tuner.render.confusion_cells import compute_class_scores
from tuner.render.event_text import event_line_runs
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles
from tuner.render.text_fitting import fit_text, wrap_at_spaces
from tuner.render.trial_fact_lines import trial_fact_lines, trial_facts_sentence
from tuner.render.trial_parameters import parameter_lines
from tuner.render.trial_rungs import rungs_sentence, trial_end_lines, trial_rung_lines
from tuner.results import format as fmt
from tuner.results.format import sanitize_text
from tuner.session.view import TrialState
from tuner.tui.state.trial_scope import TrialScope
from tuner.tui.widgets.line_widgets import empty_state_lines, theme_styles
from tuner.tui.widgets.scope_pane import ScopePane


class ParamsPane(ScopePane):
    """Every value with its rank and its position in its range."""

    def __init__(
        self, scope: TrialScope, heading: str, number: int, id: str, *, with_facts: bool = False
    ) -> None:
        self._with_facts = with_facts
        super().__init__(scope, heading, number, id)

    def content_lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        scope, styles = self.scope, theme_styles(self)
        lines = parameter_lines(
            scope.trial, scope.search_space(), scope.value_ranks(), width, styles
        )
        if self._with_facts and not self.is_narrow:
            lines += [
                [],
                *trial_fact_lines(
                    scope.view, scope.trial, width, styles, scope.now(), scope.trial_score()
                ),
            ]
        return lines

    def update_border_text(self) -> None:
        self.set_border_text("", "y copy   E export   e edited copy")


class FactsPane(ScopePane):
    """What is known beside the values, and the settings that the recipe fixes."""

    def content_lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        scope, styles = self.scope, theme_styles(self)
        lines = trial_fact_lines(
            scope.view, scope.trial, width, styles, scope.now(), scope.trial_score()
        )
        return [*lines, [], *self._fixed_setting_lines(width, styles)]

    def _fixed_setting_lines(self, width: int, styles: Styles) -> Lines:
        recipe = self.scope.recipe_of_trial()
        if recipe is None:
            return [[("the log does not hold the recipe of this trial", styles.muted)]]
        trial_values = {**self.scope.trial.params, **self.scope.trial.fixed}
        fixed = {
            name: value
            for name, value in settings_by_name(recipe).items()
            if name not in trial_values
        }
        lines: Lines = [[("fixed by the recipe", styles.muted)]]
        name_width = min(max((len(sanitize_text(name)) for name in fixed), default=8), width // 2)
        for name, value in fixed.items():
            value_text = fmt.format_setting(name, value)
            lines.append(
                [
                    (fit_text(sanitize_text(name), name_width), styles.text),
                    (f"  {value_text}", styles.heading),
                ]
            )
        return lines


class SummaryPane(ScopePane):
    """Rungs, facts and the recall of every class in few lines, for narrow screens."""

    def content_lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        scope, styles = self.scope, theme_styles(self)
        lines: Lines = [
            [(line, styles.text)]
            for line in wrap_at_spaces(rungs_sentence(scope.trial), width)
            if line
        ]
        lines += trial_end_lines(scope.view, scope.trial, width, styles)
        facts = trial_facts_sentence(scope.view, scope.trial, scope.now())
        lines += [[(line, styles.muted)] for line in wrap_at_spaces(facts, width)]
        if evaluation := scope.shown_evaluation:
            scores = compute_class_scores(evaluation.confusion, scope.view.labels)
            class_recalls = (
                f"{score.label} {row[index]}/{score.row_count} ({fmt.format_percent(score.recall)})"
                for index, (score, row) in enumerate(zip(scores, evaluation.confusion, strict=True))
            )
            text = f"{fmt.format_epoch(evaluation.epoch)}: " + " · ".join(class_recalls)
            lines += [[], *([(line, styles.text)] for line in wrap_at_spaces(text, width))]
        return lines


class RungsPane(ScopePane):
    """Where the trial was compared, and below it what happened to it."""

    def content_lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        scope, styles = self.scope, theme_styles(self)
        rungs = trial_rung_lines(scope.view, scope.trial, width, styles)
        if not rungs:
            rungs = [[("not compared with other trials yet: the first rung decides", styles.muted)]]
        event_texts = trial_event_lines(self, width)
        return [*rungs, [], [("events", styles.muted)], *event_texts]


class TrialEventsPane(ScopePane):
    """Every event of the trial with its reason."""

    def content_lines(self, width: int, height: int) -> Lines:
        texts = ("The events of this trial will be listed here", "beginning with its start")
        return trial_event_lines(self, width) or empty_state_lines(
            texts, width, height, theme_styles(self)
        )

    def update_border_text(self) -> None:
        self.set_border_text(str(len(self.scope.events_of_trial())))


def trial_event_lines(pane: ScopePane, width: int) -> Lines:
    view, styles = pane.scope.view, theme_styles(pane)
    events = pane.scope.events_of_trial()
    return [event_line_runs(event, view, width, styles, numbered=False) for event in events]


class TrainerPane(ScopePane):
    """The last lines that a failed trial's trainer printed."""

    def content_lines(self, width: int, height: int) -> Lines:
        trial, styles = self.scope.trial, theme_styles(self)
        if trial.lines:
            return [[(sanitize_text(line.expandtabs(4)), styles.text)] for line in trial.lines]
        reason = "the trial failed and its trainer printed nothing"
        if trial.state is not TrialState.FAILED:
            reason = "only a failed trial has them; the Log view shows the whole worker.log"
        return empty_state_lines(("No last lines from the trainer", reason), width, height, styles)
