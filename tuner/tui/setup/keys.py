"""The keys of the setup screen, and the names of its panes."""

from __future__ import annotations

from textual.binding import Binding, BindingType

PANES = ("task", "groups", "other", "search", "recipe")
TITLES = ("Task", "LR groups", "Other", "Search", "recipe.toml")

KEY_ORDER = (
    "groups.type",
    "fields.type",
    "fields.toggle",
    "setup.save",
    "setup.start",
    "setup.undo",
    "groups.fix",
    "groups.freeze",
    "setup.editor",
)
"""The keys that are shown, the most important first."""

SETUP_BINDINGS: list[BindingType] = [
    Binding("ctrl+s", "save", "Save", id="setup.save", tooltip="Save recipe.toml and check it"),
    Binding("ctrl+r", "start", "Start", id="setup.start", tooltip="Save and start the study"),
    Binding("u", "undo", "Undo", id="setup.undo", tooltip="Undo the last edit"),
    Binding(
        "ctrl+y", "redo", "Redo", id="setup.redo", show=False, tooltip="Redo the last undone edit"
    ),
    Binding("ctrl+e", "editor", "Editor", id="setup.editor", tooltip="Open in $EDITOR"),
    Binding(
        "c",
        "check",
        "Check",
        id="setup.check",
        show=False,
        tooltip="Check model, data and disk, and test a step",
    ),
    Binding("escape", "back", "Back", id="app.back", tooltip="Leave (asks if unsaved)"),
    Binding("z", "zoom", "Zoom", id="setup.zoom", show=False, tooltip="One pane, and back"),
    Binding("tab", "next_pane(1)", "Next pane", id="setup.next", show=False, tooltip="Next"),
    Binding(
        "shift+tab",
        "next_pane(-1)",
        "Pane before",
        id="setup.previous",
        show=False,
        tooltip="Previous",
    ),
    Binding("]", "next_pane(1)", "Next tab", id="setup.next_tab", show=False, tooltip="Next"),
    Binding(
        "[", "next_pane(-1)", "Tab before", id="setup.previous_tab", show=False, tooltip="Previous"
    ),
    *(
        Binding(
            str(n),
            f"show_pane({n})",
            title,
            id=f"setup.pane_{n}",
            show=False,
            tooltip=f"Go to {title}",
        )
        for n, title in enumerate(TITLES, start=1)
    ),
    Binding(
        "q,ctrl+q", "leave", "Leave", id="setup.leave", show=False, tooltip="Leave the screens"
    ),
]
