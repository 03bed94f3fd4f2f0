"""The keys of the group editor."""

from __future__ import annotations

from textual.binding import BindingType

from tuner.tui.widgets.key_bindings import hidden_key, key

GROUP_BINDINGS: list[BindingType] = [
    hidden_key(
        "left", "move('low', -1)", "groups.low_down", "Low −", "Low end one step down (1, 2, 5, 10)"
    ),
    hidden_key("right", "move('low', 1)", "groups.low_up", "Low +", "Low end one step up"),
    hidden_key(
        "shift+left", "move('high', -1)", "groups.high_down", "High −", "High end one step down"
    ),
    hidden_key(
        "shift+right", "move('high', 1)", "groups.high_up", "High +", "High end one step up"
    ),
    hidden_key(
        "ctrl+left,{", "move('both', -1)", "groups.both_down", "Both −", "The range one step down"
    ),
    hidden_key(
        "ctrl+right,}", "move('both', 1)", "groups.both_up", "Both +", "The range one step up"
    ),
    *(
        hidden_key(
            pressed,
            f"move('{end}', {direction}, True)",
            f"groups.{end}_{'up' if direction > 0 else 'down'}_fine",
            f"{end.capitalize()} {'+' if direction > 0 else '−'} 1 %",
            f"{end.capitalize()} end {'up' if direction > 0 else 'down'} by 1 %",
        )
        for pressed, end, direction in (
            ("comma", "low", -1),
            ("full_stop", "low", 1),
            ("less_than_sign", "high", -1),
            ("greater_than_sign", "high", 1),
        )
    ),
    key(
        "enter",
        "request_edit('rate')",
        "groups.type",
        "Type",
        "Type a rate: 1e-5, 1e-5..4e-5, {1e-5,2e-5}, log, lin, fix, freeze, like NAME",
    ),
    key("=", "fix", "groups.fix", "Fix", "Fix the rate in the middle, or search it again"),
    key("0", "freeze", "groups.freeze", "Freeze", "Do not train the group, or train it again"),
    key(
        "l",
        "request_edit('tie')",
        "groups.tie",
        "Tie",
        "Tie the rate to another group's, or let it decay by layer; again unties",
    ),
    hidden_key(
        "w",
        "request_edit('weight_decay')",
        "groups.weight_decay",
        "Weight decay",
        "A weight decay of the group's own; empty takes that of 3 Other",
    ),
    key(
        "v",
        "request_edit('parameters')",
        "groups.parameters",
        "Parameters",
        "All parameters with group and rate",
    ),
    hidden_key(
        "a", "request_edit('add')", "groups.add", "Add", "A new group of some layers or parameters"
    ),
    hidden_key(
        "d,delete",
        "request_edit('delete')",
        "groups.delete",
        "Delete",
        "Delete it; the rest takes its parameters",
    ),
    hidden_key("S", "request_edit('split')", "groups.split", "Split", "Split the group at a layer"),
    hidden_key(
        "M", "request_edit('merge')", "groups.merge", "Merge", "Merge the group with the next"
    ),
    hidden_key("R", "request_edit('rename')", "groups.rename", "Rename", "Rename the group"),
    hidden_key(
        "g",
        "request_edit('regroup')",
        "groups.regroup",
        "Regroup",
        "All layers in groups of n, or one rate that decays",
    ),
]
