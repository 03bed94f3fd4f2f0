"""A screen of several views, one of which shows: switching, panes, zoom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.widget import Widget

from tuner.tui.screens.tuner_screen import TunerScreen
from tuner.tui.views.base_view import View
from tuner.tui.widgets.drawn_line import DrawnLine
from tuner.tui.widgets.key_bar import KeyBar
from tuner.tui.widgets.key_bindings import key

PANE_KEYS = [
    key(str(n), f"pane({n})", f"view.pane_{n}", "Pane", "The pane of this number", show=n == 1)
    for n in range(1, 6)
]


class ViewsScreen(TunerScreen):
    """A screen of several views, which are made when they are first shown.

    VIEWS names them; the first one shows at the beginning.
    """

    VIEWS: ClassVar[tuple[str, ...]] = ()
    BINDINGS = [
        key("]", "view(1)", "view.next", "View", "Next view", display="[ ]"),
        key("[", "view(-1)", "view.previous", "View", "Previous view", show=False),
        key("z", "zoom", "view.zoom", "Zoom", "Zoom the pane, and back"),
        *PANE_KEYS,
        key("escape", "back", "app.back", "Back", "One step back", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view_index = 0

    def create_view(self, name: str) -> View:
        """Make the view of that name."""
        raise NotImplementedError

    def leave_screen(self) -> None:
        """Leave the screen: no layer is left inside."""
        raise NotImplementedError

    def leave_zoom(self, view: View) -> None:
        view.zoom_pane(None)

    def clear_filter(self) -> bool:
        """Take the filter off; return False where there is none."""
        return False

    def after_view_switch(self) -> None:
        """Update what depends on which view shows."""

    @property
    def view_names(self) -> tuple[str, ...]:
        return self.VIEWS

    def widget_below_views(self) -> Widget:
        """Return the widget that views are mounted before."""
        return self.query_one(KeyBar)

    @property
    def view_name(self) -> str:
        return self.view_names[self._view_index]

    @property
    def current_view(self) -> View | None:
        """The view that shows; None before it is made."""
        name = self.view_name.lower()
        return next((view for view in self.created_views() if view.id == name), None)

    def key_displays(self) -> Mapping[str, str]:
        """Write the keys of the panes, which are as many as the view has."""
        view = self.current_view
        return {} if view is None else {"view.pane_1": f"1-{len(view.PANES)}"}

    def created_views(self) -> list[View]:
        """Return the views that were shown before."""
        return [child for child in self.children if isinstance(child, View)]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Refuse what the view does not have: other views, this pane, a filter."""
        if action == "view":
            return len(self.view_names) > 1
        if action in ("zoom", "pane", "filter"):
            view = self.current_view
            if view is None or (action == "filter" and not view.FILTERS):
                return False
            number = parameters[0] if parameters else 1
            return isinstance(number, int) and number <= len(view.PANES)
        return super().check_action(action, parameters)

    async def action_pane(self, number: int) -> None:
        """Focus a pane, in the narrow layout by its tab."""
        if view := self.current_view:
            view.focus_pane_number(number)

    def action_zoom(self) -> None:
        """Zoom the focused pane, or show all panes again."""
        if view := self.current_view:
            view.toggle_pane_zoom()

    async def action_view(self, step: int) -> None:
        await self.show_view_at((self._view_index + step) % len(self.view_names))

    async def show_view_named(self, name: str) -> None:
        await self.show_view_at(self.view_names.index(name))

    async def show_view_at(self, index: int) -> None:
        """Show a view; make it where it was not shown before."""
        self._view_index = index
        name = self.view_names[index]
        if self.current_view is None:
            await self.mount(self.create_view(name), before=self.widget_below_views())
        for view in self.created_views():
            view.display = view.id == name.lower()
        if current := self.current_view:
            current.draw_missed_changes()
            current.focus_first_pane()
        self.after_view_switch()
        self.refresh_bindings()

    async def on_drawn_line_clicked(self, event: DrawnLine.Clicked) -> None:
        """Show the view whose name was clicked in the title."""
        name = event.text.strip(" ‹›")
        if name in self.view_names:
            await self.show_view_named(name)

    async def action_back(self) -> None:
        """Leave the innermost layer: zoom, what is open in the view, filter, view, screen."""
        view = self.current_view
        if view is not None and view.is_zoomed:
            self.leave_zoom(view)
        elif (view is not None and view.close_inner_layer()) or self.clear_filter():
            return
        elif self._view_index:
            await self.show_view_at(0)
        else:
            self.leave_screen()
