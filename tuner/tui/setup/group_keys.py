"""The keys of the group editor."""

from __future__ import annotations

from textual.binding import Binding, BindingType

GROUP_BINDINGS: list[BindingType] = [
    Binding(
        "left",
        "move('low', -1)",
        "Low −",
        id="groups.low_down",
        show=False,
        tooltip="Low end one step down (1, 2, 5, 10)",
    ),
    Binding(
        "right",
        "move('low', 1)",
        "Low +",
        id="groups.low_up",
        show=False,
        tooltip="Low end one step up",
    ),
    Binding(
        "shift+left",
        "move('high', -1)",
        "High −",
        id="groups.high_down",
        show=False,
        tooltip="High end one step down",
    ),
    Binding(
        "shift+right",
        "move('high', 1)",
        "High +",
        id="groups.high_up",
        show=False,
        tooltip="High end one step up",
    ),
    Binding(
        "ctrl+left,{",
        "move('both', -1)",
        "Both −",
        id="groups.both_down",
        show=False,
        tooltip="The whole range one step down",
    ),
    Binding(
        "ctrl+right,}",
        "move('both', 1)",
        "Both +",
        id="groups.both_up",
        show=False,
        tooltip="The whole range one step up",
    ),
    *(
        Binding(
            key,
            f"move('{end}', {direction}, True)",
            f"{end.capitalize()} {'+' if direction > 0 else '−'} 1 %",
            id=f"groups.{end}_{'up' if direction > 0 else 'down'}_fine",
            show=False,
            tooltip=f"{end.capitalize()} end {'up' if direction > 0 else 'down'} by 1 %",
        )
        for key, end, direction in (
            ("comma", "low", -1),
            ("full_stop", "low", 1),
            ("less_than_sign", "high", -1),
            ("greater_than_sign", "high", 1),
        )
    ),
    Binding(
        "enter",
        "wish('rate')",
        "Type",
        id="groups.type",
        tooltip="Type a rate: 1e-5, 1e-5..4e-5, {1e-5,2e-5}, log, lin, fix, freeze, like NAME",
    ),
    Binding(
        "=", "fix", "Fix", id="groups.fix", tooltip="Fix the rate in the middle, or search it again"
    ),
    Binding(
        "0",
        "freeze",
        "Freeze",
        id="groups.freeze",
        tooltip="Do not train the group, or train it again",
    ),
    Binding(
        "l",
        "wish('tie')",
        "Tie",
        id="groups.tie",
        tooltip="Tie the rate to another group's, or let it decay by layer; again unties",
    ),
    Binding(
        "w",
        "wish('weight_decay')",
        "Weight decay",
        id="groups.weight_decay",
        show=False,
        tooltip="A weight decay of the group's own; empty takes that of 3 Other",
    ),
    Binding(
        "v",
        "wish('parameters')",
        "Parameters",
        id="groups.parameters",
        tooltip="Every parameter with its group and its rate",
    ),
    Binding(
        "a",
        "wish('add')",
        "Add",
        id="groups.add",
        show=False,
        tooltip="A new group of some layers or parameters",
    ),
    Binding(
        "d,delete",
        "wish('delete')",
        "Delete",
        id="groups.delete",
        show=False,
        tooltip="Delete the group; its parameters join the rest",
    ),
    Binding(
        "S",
        "wish('split')",
        "Split",
        id="groups.split",
        show=False,
        tooltip="Split the group at a layer",
    ),
    Binding(
        "M",
        "wish('merge')",
        "Merge",
        id="groups.merge",
        show=False,
        tooltip="Merge the group with the next",
    ),
    Binding(
        "R", "wish('rename')", "Rename", id="groups.rename", show=False, tooltip="Rename the group"
    ),
    Binding(
        "g",
        "wish('regroup')",
        "Regroup",
        id="groups.regroup",
        show=False,
        tooltip="All layers in groups of n, or one rate that decays",
    ),
]
