"""All keys of the UI as tables, from the bindings themselves: `make keys` writes docs/keys.md."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from tuner.tui.screens.help_screen import SECTIONS
from tuner.tui.shell.bindings import declared_bindings, ui_node_classes
from tuner.tui.widgets.key_bar import display_of_key

TOP = Path(__file__).parents[2]
DOCUMENT, README = TOP / "docs" / "keys.md", TOP / "README.md"
FIRST_KEYS = (
    "app.help", "app.palette", "app.back", "app.leave", "app.picture",
    "view.next", "view.pane_1", "view.zoom", "view.filter",
    "session.start", "session.pause", "session.drain", "session.prune", "session.stop",
    "session.edit", "session.export", "sessions.new", "sessions.compare",
    "trials.detail", "trials.mark", "trials.sort", "trials.columns", "trial.rerun", "trial.enqueue",
    "parallel.brush", "analysis.zoom_search",
)  # fmt: skip
"""What the README tells; docs/keys.md tells all."""
BEGIN, END = "<!-- from the bindings: make keys -->", "<!-- end of the bindings -->"


@dataclass(frozen=True)
class Action:
    """One id: its keys as people write them, and what it does."""

    id: str
    keys: tuple[str, ...]
    text: str


def actions() -> list[Action]:
    """Every action, by section, in the order in which the help has them."""
    keys: dict[str, list[str]] = {}
    texts: dict[str, str] = {}
    for node in ui_node_classes():
        for binding in declared_bindings(node):
            if binding.id is None:
                continue
            texts.setdefault(binding.id, binding.tooltip or binding.description)
            action_keys = keys.setdefault(binding.id, [])
            if display_of_key(binding.key) not in action_keys:
                action_keys.append(display_of_key(binding.key))
    listed_actions = [Action(name, tuple(keys[name]), texts[name]) for name in texts]
    order = list(SECTIONS)
    return sorted(listed_actions, key=lambda action: (_rank(order, action.id), action.id))


def _rank(order: list[str], name: str) -> tuple[int, str]:
    section = name.split(".")[0]
    return (order.index(section) if section in order else len(order), section)


def tables() -> str:
    """One table a section, in Markdown."""
    lines: list[str] = []
    section = ""
    for action in actions():
        if action.id.split(".")[0] != section:
            section = action.id.split(".")[0]
            lines += ["", f"### {_heading(action.id)}", "", "| key | does | id |", "|---|---|---|"]
        keys = " ".join(f"`{_escape_pipes(key)}`" for key in action.keys)
        lines.append(f"| {keys} | {action.text} | `{action.id}` |")
    return "\n".join(lines[1:]) + "\n"


def _heading(name: str) -> str:
    section = name.split(".")[0]
    return SECTIONS.get(section, section.capitalize())


def _escape_pipes(key: str) -> str:
    return key.replace("|", "\\|")


def first_table() -> str:
    """Return the README's table as Markdown."""
    actions_by_id = {action.id: action for action in actions()}
    lines = ["| key | does | where |", "|---|---|---|"]
    for name in FIRST_KEYS:
        keys = " ".join(f"`{_escape_pipes(key)}`" for key in actions_by_id[name].keys)
        lines.append(f"| {keys} | {actions_by_id[name].text} | {_heading(name).lower()} |")
    return "\n".join(lines) + "\n"


def document_with_table(path: Path, table: str) -> str:
    """Replace the table between a document's two marks with today's."""
    head, _, after_begin = path.read_text(encoding="utf-8").partition(BEGIN)
    tail = after_begin.partition(END)[2]
    return f"{head}{BEGIN}\n\n{table}\n{END}{tail}"


def documents() -> dict[Path, str]:
    """Both documents with the keys of today."""
    return {
        DOCUMENT: document_with_table(DOCUMENT, tables()),
        README: document_with_table(README, first_table()),
    }


def main() -> int:
    """Write the documents anew."""
    for path, text in documents().items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
