"""The pane of the layer groups: the editor, what the selected group is, and what is typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rich.style import Style
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Static

from tuner.errors import TunerError
from tuner.recipe.rates import group_setting, level_setting, levels
from tuner.recipe.types import GroupSpec, Like, Parameter, Range, Rate, ResolvedGroup, Setting
from tuner.results.format import count, plain
from tuner.tui.render.names import fit
from tuner.tui.setup import group_edits
from tuner.tui.setup.hints import Hint, Known, group_hints, unused_hint
from tuner.tui.setup.inspection import Partition
from tuner.tui.setup.past import Seen
from tuner.tui.setup.prompt import Prompt, SetupPane, Submit
from tuner.tui.setup.text import setting_text
from tuner.tui.setup.typed import Grammar, parse_decay, parse_rate, parse_setting, parse_tie
from tuner.tui.widgets.group_bar import Around
from tuner.tui.widgets.group_editor import GroupEditor
from tuner.tui.widgets.lines import styles_of

Groups = tuple[GroupSpec, ...]
CommitGroups = Callable[[Groups, str, str], None]
"""Takes groups over into the recipe: (groups, what was done, joined); TunerError where wrong."""

KEYS = "= fix  0 freeze  l tie  w wd  a/d add/del  S/M split/merge  g group"
MOVES = "←/→ low   shift+←/→ high   { } both   , . < > by 1 %   enter types"


class GroupsPane(SetupPane):
    """Turns what the editor posts into whole new tuples of groups, and has them committed."""

    DEFAULT_CSS = """
    GroupsPane {
        & > #group-details { dock: bottom; height: 3; padding: 0 2; color: $text-muted; }
        &.-has-trials > #group-details { height: 4; }
    }
    """

    class ParametersAsked(Message):
        """Somebody wants to see every parameter."""

    def __init__(self, title: str, commit: CommitGroups, *, id: str) -> None:
        super().__init__(id=id)
        self.entitle(title)
        self.hint(KEYS)
        self._commit = commit
        self._parameters: tuple[Parameter, ...] | None = None
        self._partition = Partition()
        self._hints: Sequence[Hint] = ()
        self._seen: Mapping[str, Seen] = {}
        self._before: Groups = ()

    def compose(self) -> ComposeResult:
        """The editor, the details below it, and the line that is typed in."""
        yield GroupEditor()
        yield Static(id="group-details")
        yield Prompt()

    @property
    def editor(self) -> GroupEditor:
        """The editor itself."""
        return self.query_one(GroupEditor)

    def show_past(self, seen: Mapping[str, Seen], before: Groups) -> None:
        """What trials had in each group, and the groups that they were started with."""
        self._seen, self._before = seen, before
        self.set_class(bool(seen), "-has-trials")

    def show(
        self,
        groups: Groups,
        parameters: tuple[Parameter, ...] | None,
        partition: Partition,
        known: Known,
    ) -> None:
        """Shows these groups; `parameters` are None until the model is known."""
        self._parameters, self._partition = parameters, partition
        self._hints = group_hints(groups, known)
        marked = frozenset(hint.group for hint in self._hints if hint.strong)
        self.editor.show(groups, partition.sizes, marked, self._surroundings(groups))

    def _surroundings(self, groups: Groups) -> dict[str, Around]:
        old = {group.name: group_setting(self._before, group) for group in self._before}
        reach = lowest_rates(groups, self._partition.resolved)
        return {
            group.name: Around(
                isinstance(group.lr, Like),
                old.get(group.name),
                reach.get(group.name),
                self._seen[group.name].good if group.name in self._seen else (),
            )
            for group in groups
        }

    @on(GroupEditor.Selected)
    def show_details(self) -> None:
        """What the selected group is, and what is to be said about its range."""
        group = self.editor.selected
        if group is None:
            self.query_one("#group-details", Static).update("")
            return
        lines = Text(no_wrap=True, overflow="ellipsis")
        lines.append(self._about(group) + "\n", Style(bold=False))
        if group.name in self._seen:
            self._append_density(lines, self._seen[group.name])
        self._append_hints(lines, group)
        self.query_one("#group-details", Static).update(lines, layout=False)

    def _append_density(self, lines: Text, seen: Seen) -> None:
        """Below the bars: how many trials had which rate."""
        editor = self.editor
        good, faint = styles_of(self).best, styles_of(self).muted
        start = editor.columns(editor.room - 2).bar_start
        label = f"{len(seen.rates)} trials, ● the best {len(seen.good)}"
        lines.append(fit(label, start), faint)
        for text, role in editor.density(seen.rates, seen.good).runs():
            lines.append(text, good if role == "good" else faint)
        lines.append("\n")

    def _append_hints(self, lines: Text, group: GroupSpec) -> None:
        hints = [hint.text for hint in self._hints if hint.group == group.name]
        nothing = unused_hint(self.editor.groups)
        warning = styles_of(self).paused
        shown = [*([nothing] if nothing else []), *hints][:2]
        for hint in shown:
            lines.append("ⓘ ", warning)
            lines.append(plain(hint) + "\n")
        if len(shown) < 2:
            lines.append(MOVES)

    def _about(self, group: GroupSpec) -> str:
        size = self._partition.sizes.get(group.name)
        held = "" if size is None else f" · {count(size)} of {count(self._partition.total)}"
        decay = group.weight_decay
        own_decay = "" if decay is None else f" · weight decay {setting_text(decay)}"
        layers = "" if group.layer_decay is None else f" · decay {setting_text(group.layer_decay)}"
        lr = setting_text(group.lr, "log")
        old = next((before.lr for before in self._before if before.name == group.name), group.lr)
        was = "" if old == group.lr else f" (was {setting_text(old, 'log')})"
        return plain(f"{group_edits.selector_text(group)}{held} · {lr}{was}{layers}{own_decay}")

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

    def _rate(self, name: str, lr: Rate, joined: str = "") -> None:
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
            case "tie":
                self._tie_or_untie(group)
            case "weight_decay":
                decay = group.weight_decay
                now = "" if decay is None else setting_text(decay)
                self._ask("weight decay", now, self._typed_weight_decay(group))
            case "parameters":
                self.post_message(self.ParametersAsked())
            case "rename":
                self._ask("name", group.name, lambda text: self._rename(group.name, text))
            case "split":
                first = group_edits.middle_layer(group, self._parameters)
                self._ask("first layer of the upper half", first, self._typed_split(group))
            case "add":
                self._ask("new group of layers or names", "", self._add)
            case "regroup":
                self._ask("layers in a group, or decay", "4", self._regroup)

    def _ask(self, label: str, value: str, submit: Submit) -> None:
        editor = self.editor
        columns = editor.columns(editor.room - 2)
        self.ask(editor, 2 + columns.name, label, value, submit)

    def _typed_rate(self, group: GroupSpec) -> Submit:
        def submit(text: str) -> None:
            decay = parse_decay(text)
            if decay is not None:
                self._decay(group.name, decay[0])
                return
            setting = group_setting(self.editor.groups, group)
            self._rate(group.name, parse_tie(text) or parse_rate(text, setting))

        return submit

    def _typed_weight_decay(self, group: GroupSpec) -> Submit:
        def submit(text: str) -> None:
            grammar = Grammar(example="like 0.01, 0..0.1 or {0,0.01}")
            decay = parse_setting(text, grammar) if text.strip() else None
            told = "that of 3 Other" if decay is None else setting_text(decay)
            groups = group_edits.with_weight_decay(self.editor.groups, group.name, decay)
            self._commit(groups, f"{group.name}: weight decay {told}", "")

        return submit

    def _tie_or_untie(self, group: GroupSpec) -> None:
        """What is tied is untied at once; what to tie to is typed."""
        groups = self.editor.groups
        if group_edits.is_tied(group):
            untied = group_edits.untie(groups, group.name)
            self._try(lambda: self._commit(untied, f"untie {group.name}", ""))
        else:
            usual = group_edits.usual_tie(groups, group)
            self._ask("like NAME, or decay", usual, self._typed_rate(group))

    def _decay(self, name: str, decay: Setting | None) -> None:
        groups = group_edits.with_layer_decay(self.editor.groups, name, decay)
        told = "none" if decay is None else setting_text(decay)
        self._commit(groups, f"{name}: decay from layer to layer {told}", "")

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
        how = f"{text.strip()} layers" if text.strip().isdecimal() else "one rate that decays"
        self._commit(groups, f"regroup by {how}", "")


def lowest_rates(groups: Groups, resolved: Sequence[ResolvedGroup]) -> dict[str, float]:
    """How far the rates of lower layers go down, of groups whose rate decays."""
    lowest: dict[str, float] = {}
    for level in levels(resolved):
        setting = level_setting(groups, level)
        if level.below and isinstance(setting, Range):
            lowest.setdefault(level.group.name, setting.low)
        elif level.below and isinstance(setting, int | float):
            lowest.setdefault(level.group.name, float(setting))
    return lowest
