"""The keys of the table of trials."""

from __future__ import annotations

from textual.binding import Binding, BindingType


def _trials_binding(
    key: str, action: str, text: str, name: str, tooltip: str, *, show: bool = False
) -> Binding:
    return Binding(key, action, text, show=show, id=f"trials.{name}", tooltip=tooltip)


TRIAL_TABLE_BINDINGS: list[BindingType] = [
    _trials_binding("o", "sort_by(1)", "Sort", "sort", "Sort by the next column", show=True),
    _trials_binding("O", "sort_by(-1)", "Sort back", "sort_back", "Sort by the previous column"),
    _trials_binding("R", "reverse", "Reverse", "reverse", "Reverse the order"),
    _trials_binding("f", "follow", "Follow", "follow", "Follow the newest running trial"),
    _trials_binding("space", "mark", "Mark", "mark", "Mark the trial for comparing", show=True),
    _trials_binding(
        "c", "choose_columns", "Columns", "columns", "Choose the columns and their order"
    ),
    _trials_binding("C", "constant", "Same", "constant", "Show or hide columns that never differ"),
    _trials_binding("right,l", "columns(1)", "Right", "right", "Columns further right"),
    _trials_binding("left,h", "columns(-1)", "Left", "left", "Columns further left"),
    _trials_binding("enter", "open", "Detail", "detail", "All about the trial", show=True),
]
