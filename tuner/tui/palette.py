"""The command palette: every action that applies now, by what it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

from textual.binding import ActiveBinding
from textual.command import DiscoveryHit, Hit, Hits, Provider

from tuner.tui.widgets.keybar import key_text

Act = Callable[[], Awaitable[object]]

_SECTIONS = ("session", "sessions", "trial", "trials", "curves", "confusion", "view", "app")


def _place(name: str) -> tuple[int, str]:
    section = name.split(".")[0]
    return (_SECTIONS.index(section) if section in _SECTIONS else len(_SECTIONS), name)


class ActionsProvider(Provider):
    """One command for each binding that applies."""

    async def discover(self) -> Hits:
        """All of them."""
        for title, key, act in self._actions():
            yield DiscoveryHit(title, act, help=key)

    async def search(self, query: str) -> Hits:
        """Those that match what was typed."""
        matcher = self.matcher(query)
        for title, key, act in self._actions():
            score = matcher.match(title)
            if score > 0:
                yield Hit(score, matcher.highlight(title), act, help=key)

    def _actions(self) -> Iterator[tuple[str, str, Act]]:
        """Title, key and action, what is about the session first; moving needs no names."""
        found: dict[str, tuple[str, ActiveBinding]] = {}
        for key, active in self.screen.active_bindings.items():
            name = active.binding.id
            if name and active.enabled and not name.startswith("move."):
                found.setdefault(name, (key, active))
        for name in sorted(found, key=_place):
            key, active = found[name]
            binding = active.binding
            title = binding.tooltip or binding.description
            yield title, f"key {key_text(key)}", self._act(binding.action, active.node)

    def _act(self, action: str, node: object) -> Act:
        async def act() -> None:
            await self.app.run_action(action, node)  # type: ignore[arg-type]

        return act
