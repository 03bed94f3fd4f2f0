"""The keys of the trial screen, and which of them the bar shows first."""

from __future__ import annotations

from textual.binding import Binding

KEY_ORDER = (
    "session.prune",
    "trial.next",
    "errors.open",
    "errors.which",
    "report.sort",
    "view.next",
    "session.copy",
    "session.export",
    "trial.rerun",
    "trial.mark",
    "trial.against",
    "trial.enqueue",
    "trial.later",
    "trial.mode",
    "trial.folder",
    "view.zoom",
    "view.pane_1",
)
TRIAL_BINDINGS = [
    Binding(
        "right_square_bracket",
        "view(1)",
        "Tab",
        key_display="[ ]",
        id="view.next",
        tooltip="Next tab",
    ),
    Binding("j", "trial(1)", "Trial", key_display="j/k", id="trial.next", tooltip="Next trial"),
    Binding("k", "trial(-1)", "Trial", show=False, id="trial.previous", tooltip="Previous trial"),
    Binding(
        "right",
        "scrub(1)",
        "Epoch",
        key_display="←/→",
        id="trial.later",
        tooltip="The next evaluation, in all panes",
    ),
    Binding(
        "left",
        "scrub(-1)",
        "Epoch",
        show=False,
        id="trial.earlier",
        tooltip="The evaluation before, in all panes",
    ),
    Binding("n", "mode", "Percent", id="trial.mode", tooltip="Counts, row %, column %"),
    Binding(
        "d",
        "against",
        "Diff",
        id="trial.against",
        tooltip="Less the best, a marked trial, none",
    ),
    Binding("l", "log", "Log y", show=False, id="trial.log", tooltip="Logarithmic y"),
    Binding("t", "drawn", "Curves", show=False, id="trial.drawn", tooltip="Train, eval or both"),
    Binding("space", "mark", "Mark", id="trial.mark", tooltip="Mark for compare"),
    Binding("r", "rerun", "Re-run", id="trial.rerun", tooltip="The same values on another seed"),
    Binding("e", "enqueue", "Edit copy", id="trial.enqueue", tooltip="A trial with edited values"),
    Binding("o", "folder", "Folder", id="trial.folder", tooltip="Copy the folder's path"),
    Binding("x", "prune", "Prune", id="session.prune", tooltip="Prune this trial (asks)"),
    Binding("y", "copy", "Copy", id="session.copy", tooltip="Copy the parameters as JSON"),
    Binding("escape", "back", "Back", id="app.back", tooltip="One step back"),
]
