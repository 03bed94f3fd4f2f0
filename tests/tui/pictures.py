"""The README's pictures, drawn by the app itself from recorded sessions: `make pictures`."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from textual.pilot import Pilot

from tests.tui import corpus
from tests.tui.app_harness import LARGE, States, play, press, wait_until_settled
from tests.tui.setup_harness import Answers, model_description
from tuner.recipe.findings import ModelDescription
from tuner.tui.app import TunerApp
from tuner.tui.screens import setup_screen
from tuner.tui.state import session_reader
from tuner.tui.widgets.drawn_line import DrawnLine

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"


def main() -> int:
    """Draw every picture anew."""
    os.environ |= {"TZ": "UTC", "TUNER_ASCII": "0"}
    time.tzset()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "sessions"
        os.environ["XDG_CONFIG_HOME"] = folder
        corpus.record_whole_corpus(root)
        states = States()
        states.running("rte-roberta-llrd", "odd.names-1")
        vars(session_reader)["session_state"] = states.state
        draw(root, "picker", None)
        draw(root, "live", "rte-roberta-llrd")
        draw(root, "analysis", "rte-roberta-llrd", "right_square_bracket", "3", "space", "enter")
        draw(root, "compare", "rte-roberta-llrd", *MARKING, *["right_square_bracket"] * 2)
        draw(root, "trial", "rte-roberta-llrd", "j", "enter")
        states.states_by_name.clear()
        vars(setup_screen)["Services"] = lambda: Answers(roberta()).services()
        draw(root, "setup", "sst2-bert-groups", "e")
    return 0


MARKING = ("j", "space", "j", "space", "j", "space")
"""The best three trials."""


def roberta() -> ModelDescription:
    """Describe a model of the size that the sessions name."""
    return model_description(layers=12, width=768)


def draw(root: Path, name: str, session: str | None, *keys: str) -> None:
    """Open a session (None: the picker), press keys, and keep the screen as NAME.svg."""

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, *keys)
        await wait_until_settled(pilot, app)
        if session is None:
            app.catalog.root = Path("sessions")
            app.screen.query(DrawnLine).first().redraw_content()
        await pilot.pause()
        svg = app.export_screenshot(title="tuner", simplify=True)
        (PICTURES / f"{name}.svg").write_text(svg, encoding="utf-8")

    play(root, scene, session=session, size=LARGE)


if __name__ == "__main__":
    sys.exit(main())
