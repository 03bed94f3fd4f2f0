"""A screen of several views, one of which shows: switching, panes, zoom."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding
from textual.widget import Widget

from tuner.tui.screens.session_screen import SessionScreen
from tuner.tui.views.base_view import View
from tuner.tui.widgets.drawn_line import DrawnLine
from tuner.tui.widgets.filter_bar import FilterBar


class ViewsScreen(SessionScreen):
    """Views are made when they are first looked at. `VIEWS` names them, the first one shows."""

    VIEWS: ClassVar[tuple[str, ...]] = ()
    BINDINGS = [
        Binding(
            "right_square_bracket",
            "view(1)",
            "View",
            key_display="[ ]",
            id="view.next",
            tooltip="Next view",
        ),
        Binding(
            "left_square_bracket",
            "view(-1)",
            "View",
            show=False,
            id="view.previous",
            tooltip="Previous view",
        ),
        Binding("z", "zoom", "Zoom", id="view.zoom", tooltip="One pane alone, and back"),
        *(
            Binding(
                str(number),
                f"pane({number})",
                "Pane",
                key_display="1-5",
                show=number == 1,
                id=f"view.pane_{number}",
                tooltip="The pane with this number",
            )
            for number in range(1, 6)
        ),
        Binding("escape", "back", "Back", show=False, id="app.back", tooltip="One step back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view_index = 0

    def create_view(self, name: str) -> View:
        """The view of that name."""
        raise NotImplementedError

    def leave_screen(self) -> None:
        """There is nothing left to step back from but the screen."""
        raise NotImplementedError

    def after_view_switch(self) -> None:
        """Another view shows."""

    @property
    def view_names(self) -> tuple[str, ...]:
        """The views that there are."""
        return self.VIEWS

    def widget_below_views(self) -> Widget:
        """Views are mounted before this."""
        return self.query_one(FilterBar)

    @property
    def view_name(self) -> str:
        """The name of the view that shows."""
        return self.view_names[self._view_index]

    @property
    def current_view(self) -> View | None:
        """The view that shows; None before it is made."""
        name = self.view_name.lower()
        return next((view for view in self.created_views() if view.id == name), None)

    def key_shown(self, name: str) -> str | None:
        """How a key is written, where that depends on what shows: as many panes as there are."""
        if name != "view.pane_1" or self.current_view is None:
            return None
        return f"1-{len(self.current_view.PANES)}"

    def created_views(self) -> list[View]:
        """Those that have been looked at."""
        return [child for child in self.children if isinstance(child, View)]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Panes that are there, and a filter where it has a meaning."""
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
        """The focused pane on the whole screen, or all panes again."""
        if view := self.current_view:
            view.toggle_pane_zoom()

    async def action_view(self, step: int) -> None:
        """The next or the previous view."""
        await self.show_view_at((self._view_index + step) % len(self.view_names))

    async def show_view_named(self, name: str) -> None:
        """Show the view of that name."""
        await self.show_view_at(self.view_names.index(name))

    async def show_view_at(self, index: int) -> None:
        """Show a view, made where it was not looked at before."""
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
        self.refresh_changed_keys()

    async def on_drawn_line_clicked(self, event: DrawnLine.Clicked) -> None:
        """The name of a view in the title."""
        name = event.text.strip(" ‹›")
        if name in self.view_names:
            await self.show_view_named(name)

    async def action_back(self) -> None:
        """One layer out: zoom, what is open in the view, filter, view, screen."""
        view = self.current_view
        if view is not None and view.is_zoomed:
            view.zoom_pane(None)
        elif view is not None and view.close_inner_layer():
            return
        elif self.query_one(FilterBar).filter_text:
            self.query_one(FilterBar).clear_filter()
        elif self._view_index:
            await self.show_view_at(0)
        else:
            self.leave_screen()
