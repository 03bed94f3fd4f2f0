"""The keys of the table of trials."""

from __future__ import annotations

from textual.binding import Binding, BindingType


def _key(key: str, action: str, text: str, name: str, told: str, *, show: bool = False) -> Binding:
    return Binding(key, action, text, show=show, id=f"trials.{name}", tooltip=told)


TRIAL_KEYS: list[BindingType] = [
    _key("o", "sort_by(1)", "Sort", "sort", "Sort by the next column", show=True),
    _key("O", "sort_by(-1)", "Sort back", "sort_back", "Sort by the column before"),
    _key("R", "reverse", "Reverse", "reverse", "Turn the order round"),
    _key("f", "follow", "Follow", "follow", "Follow what runs"),
    _key("space", "mark", "Mark", "mark", "Mark the trial for comparing", show=True),
    _key("c", "choose_columns", "Columns", "columns", "Choose the columns and their order"),
    _key("C", "constant", "Same", "constant", "Show or hide columns that never differ"),
    _key("right,l", "columns(1)", "Right", "right", "Columns further right"),
    _key("left,h", "columns(-1)", "Left", "left", "Columns further left"),
    _key("enter", "open", "Detail", "detail", "All about the trial", show=True),
]
