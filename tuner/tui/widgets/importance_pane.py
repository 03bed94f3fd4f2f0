"""The pane of importance beside what runs: which searched parameters decide."""

from __future__ import annotations

from collections.abc import Callable

from tuner.render.importance_report import importance_lines, worker_verdict
from tuner.render.renderable_lines import Lines
from tuner.render.text_fitting import wrap_at_spaces
from tuner.session.view import SessionView
from tuner.tui.widgets.line_widgets import Pane, empty_state_lines, theme_styles


class ImportancePane(Pane):
    """How much each parameter decides, as bars, as the worker last computed it."""

    def __init__(self, current_view: Callable[[], SessionView]) -> None:
        self._current_view = current_view
        super().__init__("Importance", number=5, id="importance")

    def content_lines(self, width: int, height: int) -> Lines:
        styles, verdict = theme_styles(self), worker_verdict(self._current_view())
        lines = importance_lines(verdict, width, styles)
        if lines and verdict.doubt:
            lines += [
                [(line, styles.muted)] for line in ("", *wrap_at_spaces(verdict.doubt, width))
            ]
        texts = ("Which parameters decide", "comes after a few complete trials")
        return lines or empty_state_lines(texts, width, height, styles)

    def update_border_text(self) -> None:
        view = self._current_view()
        is_computed = bool(view.importance)
        hint = f"{view.importance_trials} trials" if is_computed and view.importance_trials else ""
        self.set_border_text(view.importance_method if is_computed else "", hint)
