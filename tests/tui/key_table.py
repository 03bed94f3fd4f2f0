"""All keys of the UI as tables, from the bindings themselves: `make keys` writes docs/keys.md."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from tuner.tui.bindings import bindings_of, nodes
from tuner.tui.screens.help import SECTIONS
from tuner.tui.widgets.keybar import key_text

DOCUMENT = Path(__file__).parents[2] / "docs" / "keys.md"
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
    for node in nodes():
        for binding in bindings_of(node):
            if binding.id is None:
                continue
            texts.setdefault(binding.id, binding.tooltip or binding.description)
            known = keys.setdefault(binding.id, [])
            if key_text(binding.key) not in known:
                known.append(key_text(binding.key))
    found = [Action(name, tuple(keys[name]), texts[name]) for name in texts]
    order = list(SECTIONS)
    return sorted(found, key=lambda action: (_rank(order, action.id), action.id))


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
            heading = SECTIONS.get(section, section.capitalize())
            lines += ["", f"### {heading}", "", "| key | does | id |", "|---|---|---|"]
        keys = " ".join(f"`{_escaped(key)}`" for key in action.keys)
        lines.append(f"| {keys} | {action.text} | `{action.id}` |")
    return "\n".join(lines[1:]) + "\n"


def _escaped(key: str) -> str:
    return key.replace("|", "\\|")


def document() -> str:
    """docs/keys.md with the tables of today."""
    text = DOCUMENT.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    return f"{head}{BEGIN}\n\n{tables()}\n{END}{tail}"


def main() -> int:
    """Write the document anew."""
    DOCUMENT.write_text(document(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
