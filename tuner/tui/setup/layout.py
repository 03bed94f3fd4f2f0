"""Where things are: side by side on a large terminal, one at a time below tabs on a small one."""

from __future__ import annotations

WIDE, HIGH = 110, 34
"""The size from which all panes fit side by side."""

HORIZONTAL = [(0, "-tiny-width"), (60, "-narrow"), (WIDE, "-wide")]
VERTICAL = [(0, "-tiny-height"), (16, "-low"), (HIGH, "-high")]

SETUP_CSS = """
SetupScreen {
    layout: vertical;
    & > #too-small { display: none; }
    & #setup-panes { height: 1fr; width: 1fr; layout: vertical; }
    & .setup-pane { display: none; height: 1fr; width: 1fr; }
    & .setup-pane.-current { display: block; }
    & #checks { dock: bottom; height: 6; width: 1fr; }
    &.-recipe-shown #checks { display: none; }
}
SetupScreen.-wide.-high {
    & #setup-tabs { display: none; }
    & #setup-panes {
        layout: grid;
        grid-size: 2 4;
        grid-columns: 46 1fr;
        grid-rows: 10 6 14 1fr;
    }
    & .setup-pane { display: block; height: 100%; width: 100%; }
    & #checks { dock: none; display: block; height: 100%; width: 100%; }
    & #groups { row-span: 2; }
    & #recipe { column-span: 2; }
}
SetupScreen.-wide.-high.-zoomed {
    & #setup-tabs { display: block; }
    & #setup-panes { layout: vertical; }
    & .setup-pane { display: none; height: 1fr; width: 1fr; }
    & .setup-pane.-current { display: block; height: 1fr; }
    & #checks { dock: bottom; height: 8; width: 1fr; }
    &.-recipe-shown #checks { display: none; }
}
"""

TINY_CSS = "".join(
    f"""
{screen}.-tiny-{side} > * {{ display: none; }}
{screen}.-tiny-{side} > #too-small {{ display: block; }}
"""
    for screen in ("SetupScreen", "NewSessionForm")
    for side in ("width", "height")
)
"""Above the app's own rules, which hide the line about too small terminals everywhere else."""
