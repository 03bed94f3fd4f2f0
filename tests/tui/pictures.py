"""The README's pictures, drawn by the app itself from recorded sessions: `make pictures`."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from textual.pilot import Pilot

from tests.tui import corpus
from tests.tui.stage import LARGE, States, play, press
from tuner.tui import feed
from tuner.tui.app import TunerApp

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"


def main() -> int:
    """Draw every picture anew."""
    os.environ |= {"TZ": "UTC", "TUNER_ASCII": "0"}
    time.tzset()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "sessions"
        os.environ["XDG_CONFIG_HOME"] = folder
        corpus.all_of_them(root)
        states = States()
        states.running("rte-roberta-llrd", "odd.names-1")
        vars(feed)["session_state"] = states.state
        draw(root, "live", "rte-roberta-llrd")
        draw(root, "picker", None)
        draw(root, "trial", "rte-roberta-llrd", "j", "enter")
    return 0


def draw(root: Path, name: str, session: str | None, *keys: str) -> None:
    """Open a session (None: the picker), press keys, and keep the screen as NAME.svg."""

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, *keys)
        if session is None:
            app.catalog.root = Path("sessions")
            app.screen.query("DrawnLine").first().redraw()  # type: ignore[attr-defined]
        await pilot.pause()
        svg = app.export_screenshot(title="tuner", simplify=True)
        (PICTURES / f"{name}.svg").write_text(svg, encoding="utf-8")

    play(root, scene, session=session, size=LARGE)


if __name__ == "__main__":
    sys.exit(main())
