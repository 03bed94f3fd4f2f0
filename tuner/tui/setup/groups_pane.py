"""The pane of the layer groups: the editor, what the selected group is, and what is typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.style import Style
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.widgets import Static

from tuner.errors import TunerError
from tuner.recipe.types import GroupSpec, Parameter, Setting
from tuner.results.format import count, plain
from tuner.tui.setup import group_edits
from tuner.tui.setup.hints import Hint, group_hints, unused_hint
from tuner.tui.setup.inspection import Partition
from tuner.tui.setup.prompt import Prompt, SetupPane, Submit
from tuner.tui.setup.text import setting_text
from tuner.tui.setup.typed import parse_rate
from tuner.tui.widgets.group_editor import GroupEditor

Groups = tuple[GroupSpec, ...]
CommitGroups = Callable[[Groups, str, str], None]
"""Takes groups over into the recipe: (groups, what was done, joined); TunerError where wrong."""

KEYS = "= fix  0 freeze  a add  d del  S split  M merge  R rename  g regroup"


class GroupsPane(SetupPane):
    """Turns what the editor posts into whole new tuples of groups, and has them committed."""

    DEFAULT_CSS = """
    GroupsPane {
        & > #group-details { dock: bottom; height: 3; padding: 0 2; color: $text-muted; }
    }
    """

    def __init__(self, title: str, commit: CommitGroups, *, id: str) -> None:
        super().__init__(id=id)
        self.entitle(title)
        self.hint(KEYS)
        self._commit = commit
        self._parameters: tuple[Parameter, ...] | None = None
        self._partition = Partition()
        self._hints: Sequence[Hint] = ()

    def compose(self) -> ComposeResult:
        """The editor, the details below it, and the line that is typed in."""
        yield GroupEditor()
        yield Static(id="group-details")
        yield Prompt()

    @property
    def editor(self) -> GroupEditor:
        """The editor itself."""
        return self.query_one(GroupEditor)

    def show(
        self, groups: Groups, parameters: tuple[Parameter, ...] | None, partition: Partition
    ) -> None:
        """Shows these groups; `parameters` are None until the model is known."""
        self._parameters, self._partition = parameters, partition
        total = sum(p.size for p in parameters) if parameters is not None else None
        self._hints = group_hints(groups, total)
        marked = frozenset(hint.group for hint in self._hints if hint.strong)
        self.editor.show(groups, partition.sizes, marked)

    @on(GroupEditor.Selected)
    def show_details(self) -> None:
        """What the selected group is, and what is to be said about its range."""
        group = self.editor.selected
        if group is None:
            self.query_one("#group-details", Static).update("")
            return
        hints = [hint.text for hint in self._hints if hint.group == group.name]
        nothing = unused_hint(self.editor.groups)
        warning = self.editor.look("warning")
        lines = Text(no_wrap=True, overflow="ellipsis")
        lines.append(self._about(group) + "\n", Style(bold=False))
        for hint in ([nothing] if nothing else []) + hints[: 1 if nothing else 2]:
            lines.append("ⓘ ", warning)
            lines.append(plain(hint) + "\n")
        if not hints and not nothing:
            lines.append("←/→ low   shift+←/→ high   { } both   click or drag the bar")
        self.query_one("#group-details", Static).update(lines, layout=False)

    def _about(self, group: GroupSpec) -> str:
        size = self._partition.sizes.get(group.name)
        held = "" if size is None else f" · {count(size)} of {count(self._partition.total)}"
        decay = group.weight_decay
        own_decay = "" if decay is None else f" · weight decay {setting_text(decay)}"
        lr = setting_text(group.lr, "log")
        return plain(f"{group_edits.selector_text(group)}{held} · {lr}{own_decay}")

    @on(GroupEditor.Refused)
    def pass_refusal(self, event: GroupEditor.Refused) -> None:
        """Refusals of the editor are shown like those of the prompt."""
        event.stop()
        self.post_message(Prompt.Refused(event.reason))

    @on(GroupEditor.Rated)
    def commit_rate(self, event: GroupEditor.Rated) -> None:
        """A rate that was set with one key, or with the mouse."""
        event.stop()
        self._try(lambda: self._rate(event.group, event.lr, event.joined))

    def _rate(self, name: str, lr: Setting, joined: str = "") -> None:
        groups = group_edits.with_rate(self.editor.groups, name, lr)
        self._commit(groups, f"{name}: {setting_text(lr, 'log')}", joined)

    def _try(self, edit: Callable[[], None]) -> None:
        try:
            edit()
        except TunerError as error:
            self.post_message(Prompt.Refused(str(error)))

    @on(GroupEditor.Wished)
    def fulfil(self, event: GroupEditor.Wished) -> None:
        """Does at once what needs no typing, opens the prompt for the rest."""
        event.stop()
        group = event.group
        match event.wish:
            case "delete":
                self._try(lambda: self._delete(group.name))
            case "merge":
                self._try(lambda: self._merge(group.name))
            case "rate":
                self._ask("lr", setting_text(group.lr, "log"), self._typed_rate(group))
            case "rename":
                self._ask("name", group.name, lambda text: self._rename(group.name, text))
            case "split":
                first = group_edits.middle_layer(group, self._parameters)
                self._ask("first layer of the upper half", first, self._typed_split(group))
            case "add":
                self._ask("new group of layers or names", "", self._add)
            case "regroup":
                self._ask("layers in a group", "4", self._regroup)

    def _ask(self, label: str, value: str, submit: Submit) -> None:
        editor = self.editor
        columns = editor.columns(editor.size.width - 2)
        self.ask(editor, 2 + columns.name, label, value, submit)

    def _typed_rate(self, group: GroupSpec) -> Submit:
        return lambda text: self._rate(group.name, parse_rate(text, group.lr))

    def _typed_split(self, group: GroupSpec) -> Submit:
        def split(text: str) -> None:
            groups = group_edits.split(self.editor.groups, group.name, text, self._parameters)
            self._commit(groups, f"split {group.name} at layer {text.strip()}", "")

        return split

    def _delete(self, name: str) -> None:
        self._commit(group_edits.delete(self.editor.groups, name), f"delete {name}", "")

    def _merge(self, name: str) -> None:
        groups = group_edits.merge(self.editor.groups, name, self._parameters)
        self._commit(groups, f"merge {name} with the next", "")

    def _rename(self, name: str, text: str) -> None:
        new = text.strip()
        self._commit(group_edits.rename(self.editor.groups, name, new), f"rename to {new}", "")

    def _add(self, text: str) -> None:
        groups, name = group_edits.add(self.editor.groups, text, self._parameters)
        self._commit(groups, f"add {name}", "")
        self.editor.select(name)

    def _regroup(self, text: str) -> None:
        groups = group_edits.regroup(self.editor.groups, text, self._parameters)
        self._commit(groups, f"regroup by {text.strip()} layers", "")
