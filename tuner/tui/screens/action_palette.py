"""The command palette: every action that applies now, by what it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

from textual.binding import ActiveBinding
from textual.command import DiscoveryHit, Hit, Hits, Provider

from tuner.tui.screens.help_screen import SECTIONS
from tuner.tui.widgets.key_bar import display_of_key

Act = Callable[[], Awaitable[object]]


def _palette_order(name: str) -> tuple[int, str]:
    sections, section = list(SECTIONS), name.split(".")[0]
    return (sections.index(section) if section in SECTIONS else len(sections), name)


class ActionsProvider(Provider):
    """One command for each binding that applies now."""

    async def discover(self) -> Hits:
        for title, key, act in self._active_actions():
            yield DiscoveryHit(title, act, help=key)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for title, key, act in self._active_actions():
            score = matcher.match(title)
            if score > 0:
                yield Hit(score, matcher.highlight(title), act, help=key)

    def _active_actions(self) -> Iterator[tuple[str, str, Act]]:
        """Yield title, key and action, session actions first; cursor movements are left out."""
        bindings_by_id: dict[str, tuple[str, ActiveBinding]] = {}
        for key, active in self.screen.active_bindings.items():
            name = active.binding.id
            if name and active.enabled and not name.startswith("move."):
                bindings_by_id.setdefault(name, (key, active))
        for name in sorted(bindings_by_id, key=_palette_order):
            key, active = bindings_by_id[name]
            binding = active.binding
            title = binding.tooltip or binding.description
            yield (
                title,
                f"key {display_of_key(key)}",
                self._action_runner(binding.action, active.node),
            )

    def _action_runner(self, action: str, node: object) -> Act:
        async def run_bound_action() -> None:
            await self.app.run_action(action, node)  # type: ignore[arg-type]

        return run_bound_action
