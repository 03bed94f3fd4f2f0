"""The keys of the trial screen, and which of them the bar shows first."""

from __future__ import annotations

from tuner.tui.widgets.key_bindings import key

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
    key("]", "view(1)", "view.next", "Tab", "Next tab", display="[ ]"),
    key("j", "show_neighbour(1)", "trial.next", "Trial", "Next trial", display="j/k"),
    key("k", "show_neighbour(-1)", "trial.previous", "Trial", "Previous trial", show=False),
    key("right", "scrub(1)", "trial.later", "Epoch", "Next evaluation, all panes", display="←/→"),
    key("left", "scrub(-1)", "trial.earlier", "Epoch", "Previous evaluation", show=False),
    key("n", "cycle_mode", "trial.mode", "Percent", "Counts, row %, column %"),
    key(
        "d", "cycle_reference", "trial.against", "Diff", "Difference with the best or a marked one"
    ),
    key("l", "toggle_log_scale", "trial.log", "Log y", "Logarithmic y", show=False),
    key("t", "cycle_curves", "trial.drawn", "Curves", "Train, eval or both", show=False),
    key("space", "toggle_mark", "trial.mark", "Mark", "Mark for compare"),
    key("r", "rerun", "trial.rerun", "Re-run", "The same values, another seed"),
    key("e", "enqueue", "trial.enqueue", "Edit copy", "A trial with edited values"),
    key("o", "copy_folder_path", "trial.folder", "Folder", "Copy the folder's path"),
    key("x", "prune", "session.prune", "Prune", "Prune this trial (asks)"),
    key("y", "copy", "session.copy", "Copy", "Copy the parameters as JSON"),
    key("escape", "back", "app.back", "Back", "One step back"),
]
