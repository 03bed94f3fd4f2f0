"""Keys as tables of one line per key."""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import Binding, BindingType


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


def hidden_key(keys: str, action: str, id: str, label: str, tooltip: str = "") -> Binding:
    """Bind keys that the help lists and the key bar leaves out; the label may be all there is."""
    return key(keys, action, id, label, tooltip or label, show=False)


def movement_keys(moves: Sequence[tuple[str, str]], *, letters: bool = True) -> list[BindingType]:
    """Bind the keys that move down, up, to the first and last line, a page up and a page down.

    `moves` has an action and its label for each, in this order. Without `letters`, j and k are free
    for something else.
    """
    j, k = (",j", ",k") if letters else ("", "")
    keys = (f"down{j}", f"up{k}", "g,home", "G,end", "pageup", "pagedown")
    names = ("down", "up", "top", "end", "pageup", "pagedown")
    return [
        hidden_key(pressed, action, f"move.{name}", label)
        for pressed, name, (action, label) in zip(keys, names, moves, strict=True)
    ]
