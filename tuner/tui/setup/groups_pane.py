"""The pane of the layer groups: the editor, the selected group's details, the prompt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rich.style import Style
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Static

from tuner.errors import TunerError
from tuner.recipe.rates import group_rate_setting, param_group_setting, split_into_param_groups
from tuner.recipe.types import GroupSpec, Parameter, Range, Rate, ResolvedGroup, Setting, TiedRate
from tuner.render.text_fitting import fit_text
from tuner.results.format import format_count, sanitize_text
from tuner.tui.setup import group_edits
from tuner.tui.setup.grammar import (
    Grammar,
    parse_layer_decay,
    parse_learning_rate,
    parse_setting,
    parse_tied_rate,
)
from tuner.tui.setup.group_bar import BarContext
from tuner.tui.setup.group_editor import GroupEditor
from tuner.tui.setup.hints import Hint, HintContext, all_frozen_hint, hints_for_groups
from tuner.tui.setup.inspection import Partition
from tuner.tui.setup.prompt import Prompt, SetupPane, Submit
from tuner.tui.setup.session_history import TriedRates
from tuner.tui.setup.setting_text import setting_text
from tuner.tui.widgets.line_widgets import theme_styles

Groups = tuple[GroupSpec, ...]
CommitGroups = Callable[[Groups, str, str], None]
"""Write groups into the recipe: (groups, name of the edit, drag id); TunerError where invalid."""

KEYS = "= fix  0 freeze  l tie  w wd  a/d add/del  S/M split/merge  g group"
MOVES = "←/→ low   shift+←/→ high   { } both   , . < > by 1 %   enter types"


class GroupsPane(SetupPane):
    """Turns the editor's messages into new tuples of groups and commits them."""

    DEFAULT_CSS = """
    GroupsPane {
        & > #group-details { dock: bottom; height: 3; padding: 0 2; color: $text-muted; }
        &.-has-trials > #group-details { height: 4; }
    }
    """

    class ParametersAsked(Message):
        """The user wants to see every parameter."""

    def __init__(self, title: str, commit: CommitGroups, *, id: str) -> None:
        super().__init__(id=id)
        self.entitle(title)
        self.hint(KEYS)
        self._commit = commit
        self._parameters: tuple[Parameter, ...] | None = None
        self._partition = Partition()
        self._hints: Sequence[Hint] = ()
        self._rates_by_group: Mapping[str, TriedRates] = {}
        self._started_groups: Groups = ()

    def compose(self) -> ComposeResult:
        yield GroupEditor()
        yield Static(id="group-details")
        yield Prompt()

    @property
    def group_editor(self) -> GroupEditor:
        return self.query_one(GroupEditor)

    def show_history(self, rates_by_group: Mapping[str, TriedRates], before: Groups) -> None:
        """Show the rates tried in each group, and the groups that trials were started with."""
        self._rates_by_group, self._started_groups = rates_by_group, before
        self.set_class(bool(rates_by_group), "-has-trials")

    def show_groups(
        self,
        groups: Groups,
        parameters: tuple[Parameter, ...] | None,
        partition: Partition,
        context: HintContext,
    ) -> None:
        """Show these groups; `parameters` are None until the model is known."""
        self._parameters, self._partition = parameters, partition
        self._hints = hints_for_groups(groups, context)
        marked = frozenset(hint.group for hint in self._hints if hint.strong)
        self.group_editor.show_groups(
            groups, partition.sizes, marked, self._bar_surroundings(groups)
        )

    def _bar_surroundings(self, groups: Groups) -> dict[str, BarContext]:
        old = {
            group.name: group_rate_setting(self._started_groups, group)
            for group in self._started_groups
        }
        reach = lowest_layer_rates(groups, self._partition.resolved)
        return {
            group.name: BarContext(
                isinstance(group.lr, TiedRate),
                old.get(group.name),
                reach.get(group.name),
                self._rates_by_group[group.name].good if group.name in self._rates_by_group else (),
            )
            for group in groups
        }

    @on(GroupEditor.SelectionChanged)
    def show_group_details(self) -> None:
        """Describe the selected group and give hints about its range."""
        group = self.group_editor.selected_group
        if group is None:
            self.query_one("#group-details", Static).update("")
            return
        lines = Text(no_wrap=True, overflow="ellipsis")
        lines.append(self._describe_group(group) + "\n", Style(bold=False))
        if group.name in self._rates_by_group:
            self._append_density(lines, self._rates_by_group[group.name])
        self._append_group_hints(lines, group)
        self.query_one("#group-details", Static).update(lines, layout=False)

    def _append_density(self, lines: Text, tried_rates: TriedRates) -> None:
        """Draw below the bars how many trials had which rate."""
        editor = self.group_editor
        good, faint = theme_styles(self).best, theme_styles(self).muted
        start = editor.column_layout(editor.content_width - 2).bar_start
        label = f"{len(tried_rates.rates)} trials, ● the best {len(tried_rates.good)}"
        lines.append(fit_text(label, start), faint)
        for text, role in editor.density_bar(tried_rates.rates, tried_rates.good).runs_by_role():
            lines.append(text, good if role == "good" else faint)
        lines.append("\n")

    def _append_group_hints(self, lines: Text, group: GroupSpec) -> None:
        hints = [hint.text for hint in self._hints if hint.group == group.name]
        nothing = all_frozen_hint(self.group_editor.groups)
        warning = theme_styles(self).paused
        visible_hints = [*([nothing] if nothing else []), *hints][:2]
        for hint in visible_hints:
            lines.append("ⓘ ", warning)
            lines.append(sanitize_text(hint) + "\n")
        if len(visible_hints) < 2:
            lines.append(MOVES)

    def _describe_group(self, group: GroupSpec) -> str:
        size = self._partition.sizes.get(group.name)
        size_text = (
            ""
            if size is None
            else f" · {format_count(size)} of {format_count(self._partition.total)}"
        )
        decay = group.weight_decay
        own_decay = "" if decay is None else f" · weight decay {setting_text(decay)}"
        layers = "" if group.layer_decay is None else f" · decay {setting_text(group.layer_decay)}"
        lr = setting_text(group.lr, "log")
        old = next(
            (before.lr for before in self._started_groups if before.name == group.name), group.lr
        )
        was = "" if old == group.lr else f" (was {setting_text(old, 'log')})"
        return sanitize_text(
            f"{group_edits.selector_text(group)}{size_text} · {lr}{was}{layers}{own_decay}"
        )

    @on(GroupEditor.ChangeRejected)
    def forward_refusal(self, event: GroupEditor.ChangeRejected) -> None:
        event.stop()
        self.post_message(Prompt.Refused(event.reason))

    @on(GroupEditor.RateChanged)
    def commit_group_rate(self, event: GroupEditor.RateChanged) -> None:
        """Commit a rate that was set with one key or with the mouse."""
        event.stop()
        self._attempt_edit(lambda: self._set_group_rate(event.group, event.lr, event.drag_id))

    def _set_group_rate(self, name: str, lr: Rate, joined: str = "") -> None:
        groups = group_edits.with_group_rate(self.group_editor.groups, name, lr)
        self._commit(groups, f"{name}: {setting_text(lr, 'log')}", joined)

    def _attempt_edit(self, edit: Callable[[], None]) -> None:
        try:
            edit()
        except TunerError as error:
            self.post_message(Prompt.Refused(str(error)))

    @on(GroupEditor.EditRequested)
    def handle_action(self, event: GroupEditor.EditRequested) -> None:
        """Do at once what needs no typing; open the prompt for the rest."""
        event.stop()
        group = event.group
        match event.kind:
            case "delete":
                self._attempt_edit(lambda: self._delete_group(group.name))
            case "merge":
                self._attempt_edit(lambda: self._merge_with_next(group.name))
            case "rate":
                self._prompt_over_group(
                    "lr", setting_text(group.lr, "log"), self._rate_submit_handler(group)
                )
            case "tie":
                self._tie_or_untie_rate(group)
            case "weight_decay":
                decay = group.weight_decay
                now = "" if decay is None else setting_text(decay)
                self._prompt_over_group(
                    "weight decay", now, self._weight_decay_submit_handler(group)
                )
            case "parameters":
                self.post_message(self.ParametersAsked())
            case "rename":
                self._prompt_over_group(
                    "name", group.name, lambda text: self._rename_group(group.name, text)
                )
            case "split":
                first = group_edits.middle_layer_text(group, self._parameters)
                self._prompt_over_group(
                    "first layer of the upper half", first, self._split_submit_handler(group)
                )
            case "add":
                self._prompt_over_group("new group of layers or names", "", self._add_group)
            case "regroup":
                self._prompt_over_group("layers in a group, or decay", "4", self._regroup_layers)

    def _prompt_over_group(self, label: str, value: str, submit: Submit) -> None:
        editor = self.group_editor
        columns = editor.column_layout(editor.content_width - 2)
        self.open_prompt_over_row(editor, 2 + columns.name_width, label, value, submit)

    def _rate_submit_handler(self, group: GroupSpec) -> Submit:
        def submit_rate(text: str) -> None:
            decay = parse_layer_decay(text)
            if decay is not None:
                self._set_layer_decay(group.name, decay[0])
                return
            setting = group_rate_setting(self.group_editor.groups, group)
            self._set_group_rate(
                group.name, parse_tied_rate(text) or parse_learning_rate(text, setting)
            )

        return submit_rate

    def _weight_decay_submit_handler(self, group: GroupSpec) -> Submit:
        def submit_weight_decay(text: str) -> None:
            grammar = Grammar(example="like 0.01, 0..0.1 or {0,0.01}")
            decay = parse_setting(text, grammar) if text.strip() else None
            decay_text = "that of 3 Other" if decay is None else setting_text(decay)
            groups = group_edits.with_weight_decay(self.group_editor.groups, group.name, decay)
            self._commit(groups, f"{group.name}: weight decay {decay_text}", "")

        return submit_weight_decay

    def _tie_or_untie_rate(self, group: GroupSpec) -> None:
        """Untie a tied group at once; otherwise ask what to tie it to."""
        groups = self.group_editor.groups
        if group_edits.has_tied_rate(group):
            untied = group_edits.untie_group(groups, group.name)
            self._attempt_edit(lambda: self._commit(untied, f"untie {group.name}", ""))
        else:
            usual = group_edits.usual_tie_text(groups, group)
            self._prompt_over_group("like NAME, or decay", usual, self._rate_submit_handler(group))

    def _set_layer_decay(self, name: str, decay: Setting | None) -> None:
        groups = group_edits.with_layer_decay(self.group_editor.groups, name, decay)
        decay_text = "none" if decay is None else setting_text(decay)
        self._commit(groups, f"{name}: decay from layer to layer {decay_text}", "")

    def _split_submit_handler(self, group: GroupSpec) -> Submit:
        def submit_split(text: str) -> None:
            groups = group_edits.split_at_layer(
                self.group_editor.groups, group.name, text, self._parameters
            )
            self._commit(groups, f"split {group.name} at layer {text.strip()}", "")

        return submit_split

    def _delete_group(self, name: str) -> None:
        self._commit(group_edits.delete_group(self.group_editor.groups, name), f"delete {name}", "")

    def _merge_with_next(self, name: str) -> None:
        groups = group_edits.merge_with_next(self.group_editor.groups, name, self._parameters)
        self._commit(groups, f"merge {name} with the next", "")

    def _rename_group(self, name: str, text: str) -> None:
        new = text.strip()
        self._commit(
            group_edits.rename_group(self.group_editor.groups, name, new), f"rename to {new}", ""
        )

    def _add_group(self, text: str) -> None:
        groups, name = group_edits.add_group_from_text(
            self.group_editor.groups, text, self._parameters
        )
        self._commit(groups, f"add {name}", "")
        self.group_editor.select_group(name)

    def _regroup_layers(self, text: str) -> None:
        groups = group_edits.regroup_layers(self.group_editor.groups, text, self._parameters)
        how = f"{text.strip()} layers" if text.strip().isdecimal() else "one rate that decays"
        self._commit(groups, f"regroup by {how}", "")


def lowest_layer_rates(groups: Groups, resolved: Sequence[ResolvedGroup]) -> dict[str, float]:
    """Return by group the lowest rate of its lower layers, for groups whose rate decays."""
    lowest: dict[str, float] = {}
    for level in split_into_param_groups(resolved):
        setting = param_group_setting(groups, level)
        if level.layers_below_top and isinstance(setting, Range):
            lowest.setdefault(level.group.name, setting.low)
        elif level.layers_below_top and isinstance(setting, int | float):
            lowest.setdefault(level.group.name, float(setting))
    return lowest
