"""Keys as tables of one line per key."""

from __future__ import annotations

from textual.binding import Binding


def key(
    keys: str,
    action: str,
    id: str,
    label: str,
    tooltip: str,
    *,
    show: bool = True,
    display: str | None = None,
) -> Binding:
    """Bind one or more keys to an action.

    `id` is what users remap in their settings: it stays. `label` is shown in the key bar unless
    `show` is False, `tooltip` in the help; `display` is how the bar writes the key.
    """
    return Binding(keys, action, label, show, key_display=display, tooltip=tooltip, id=id)
