"""The pane of importance beside what runs: which searched parameters decide."""

from __future__ import annotations

from collections.abc import Callable

from tuner.session.view import SessionView
from tuner.tui.render.importance import importance_lines, worker_verdict
from tuner.tui.render.lined import Lines
from tuner.tui.render.names import wrapped
from tuner.tui.widgets.lines import Pane, centred, styles_of


class ImportancePane(Pane):
    """Bars, as the worker computed them last."""

    def __init__(self, view: Callable[[], SessionView]) -> None:
        self._view = view
        super().__init__("Importance", number=5, id="importance")

    def lines(self, width: int, height: int) -> Lines:
        """The bars, or when they come."""
        styles, verdict = styles_of(self), worker_verdict(self._view())
        lines = importance_lines(verdict, width, styles)
        if lines and verdict.doubt:
            lines += [[(line, styles.muted)] for line in ("", *wrapped(verdict.doubt, width))]
        texts = ("Which parameters decide", "comes after a few complete trials")
        return lines or centred(texts, width, height, styles)

    def describe(self) -> None:
        """The title names the method."""
        view = self._view()
        known = bool(view.importance)
        hint = f"{view.importance_trials} trials" if known and view.importance_trials else ""
        self.entitle(view.importance_method if known else "", hint)
