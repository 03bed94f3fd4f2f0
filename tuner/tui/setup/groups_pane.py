"""The pane of the layer groups: the editor, the selected group's details, the prompt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from textual.app import ComposeResult
from textual.message import Message

from tuner.recipe import grouping
from tuner.recipe.numbers import format_typed_setting
from tuner.recipe.rates import group_rate_setting, param_group_setting, split_into_param_groups
from tuner.recipe.types import GroupSpec, Parameter, Range, Rate, ResolvedGroup, Setting, TiedRate
from tuner.render.renderable_lines import Lines
from tuner.render.styles import TextRun
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
from tuner.tui.setup.prompt import InputPane, Prompt, Submit
from tuner.tui.setup.session_history import TriedRates
from tuner.tui.widgets.line_widgets import LineBar, theme_styles

Groups = tuple[GroupSpec, ...]
CommitGroups = Callable[[Groups, str, str], None]
"""Write groups into the recipe: (groups, name of the edit, drag id); TunerError where invalid."""

KEYS = "= fix  0 freeze  l tie  w wd  a/d add/del  S/M split/merge  g group"
MOVES = "←/→ low   shift+←/→ high   { } both   , . < > by 1 %   enter types"


class GroupsPane(InputPane):
    """Turns the editor's messages into new tuples of groups and commits them."""

    DEFAULT_CSS = """
    GroupsPane {
        & > GroupDetails { dock: bottom; height: 3; padding: 0 2; }
        &.-has-trials > GroupDetails { height: 4; }
    }
    """

    class ParametersRequested(Message):
        """The user wants to see every parameter."""

    def __init__(self, commit: CommitGroups, *, number: int) -> None:
        super().__init__("Learning-rate groups", number=number, id="groups")
        self.set_border_text(hint=KEYS)
        self._commit = commit
        self._parameters: tuple[Parameter, ...] | None = None
        self._partition = Partition()
        self._hints: Sequence[Hint] = ()
        self._rates_by_group: Mapping[str, TriedRates] = {}
        self._started_groups: Groups = ()

    def compose(self) -> ComposeResult:
        yield GroupEditor()
        yield GroupDetails(self)
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

    def on_group_editor_selection_changed(self) -> None:
        self.query_one(GroupDetails).redraw_content()

    def detail_lines(self, width: int) -> Lines:
        """Describe the selected group and give hints about its range."""
        group, styles = self.group_editor.selected_group, theme_styles(self)
        if group is None:
            return []
        lines: Lines = [[(fit_text(self._describe_group(group), width), styles.muted)]]
        if group.name in self._rates_by_group:
            lines.append(self._draw_density(self._rates_by_group[group.name]))
        all_frozen = all_frozen_hint(self.group_editor.groups)
        hints = [all_frozen] if all_frozen else []
        hints += [hint.text for hint in self._hints if hint.group == group.name]
        for hint in hints[:2]:
            text = fit_text(sanitize_text(hint), width - 2)
            lines.append([("ⓘ ", styles.paused), (text, styles.muted)])
        return lines if len(hints) > 1 else [*lines, [(fit_text(MOVES, width), styles.muted)]]

    def _draw_density(self, tried_rates: TriedRates) -> list[TextRun]:
        """Draw below the bars how many trials had which rate."""
        editor, styles = self.group_editor, theme_styles(self)
        start = editor.column_layout(editor.content_width - 2).bar_start
        label = f"{len(tried_rates.rates)} trials, ● the best {len(tried_rates.good)}"
        bar = editor.density_bar(tried_rates.rates, tried_rates.good)
        return [
            (fit_text(label, start), styles.muted),
            *(
                (text, styles.best if role == "good" else styles.muted)
                for text, role in bar.runs_by_role()
            ),
        ]

    def _describe_group(self, group: GroupSpec) -> str:
        size = self._partition.sizes.get(group.name)
        size_text = (
            ""
            if size is None
            else f" · {format_count(size)} of {format_count(self._partition.total)}"
        )
        decay = group.weight_decay
        own_decay = "" if decay is None else f" · weight decay {format_typed_setting(decay)}"
        layers = (
            ""
            if group.layer_decay is None
            else f" · decay {format_typed_setting(group.layer_decay)}"
        )
        lr = format_typed_setting(group.lr, "log")
        old = next(
            (before.lr for before in self._started_groups if before.name == group.name), group.lr
        )
        was = "" if old == group.lr else f" (was {format_typed_setting(old, 'log')})"
        return sanitize_text(
            f"{group_edits.selector_text(group)}{size_text} · {lr}{was}{layers}{own_decay}"
        )

    def on_group_editor_rate_changed(self, event: GroupEditor.RateChanged) -> None:
        """Commit a rate that was set with one key or with the mouse."""
        event.stop()
        self.commit_or_refuse(lambda: self._set_group_rate(event.group, event.lr, event.drag_id))

    def _set_group_rate(self, name: str, lr: Rate, drag_id: str = "") -> None:
        groups = grouping.set_group_rate(self.group_editor.groups, name, lr)
        self._commit(groups, f"{name}: {format_typed_setting(lr, 'log')}", drag_id)

    def on_group_editor_edit_requested(self, event: GroupEditor.EditRequested) -> None:
        """Do at once what needs no typing; open the prompt for the rest."""
        event.stop()
        group = event.group
        match event.kind:
            case "delete":
                self.commit_or_refuse(partial(self._delete_group, group))
            case "merge":
                self.commit_or_refuse(partial(self._merge_with_next, group))
            case "parameters":
                self.post_message(self.ParametersRequested())
            case "rate":
                rate = format_typed_setting(group.lr, "log")
                self._prompt_over_group("lr", rate, partial(self._submit_rate, group))
            case "tie":
                self._tie_or_untie_rate(group)
            case "weight_decay":
                decay = (
                    "" if group.weight_decay is None else format_typed_setting(group.weight_decay)
                )
                submit = partial(self._submit_weight_decay, group)
                self._prompt_over_group("weight decay", decay, submit)
            case "rename":
                self._prompt_over_group("name", group.name, partial(self._rename_group, group))
            case "split":
                layer = group_edits.middle_layer_text(group, self._parameters)
                submit = partial(self._submit_split, group)
                self._prompt_over_group("first layer of the upper half", layer, submit)
            case "add":
                self._prompt_over_group("new group of layers or names", "", self._submit_new_group)
            case "regroup":
                self._prompt_over_group("layers in a group, or decay", "4", self._submit_regrouping)

    def _prompt_over_group(self, label: str, value: str, submit: Submit) -> None:
        editor = self.group_editor
        columns = editor.column_layout(editor.content_width - 2)
        self.open_prompt_over_row(editor, 2 + columns.name_width, label, value, submit)

    def _submit_rate(self, group: GroupSpec, text: str) -> None:
        decay = parse_layer_decay(text)
        if decay is not None:
            self._set_layer_decay(group, decay[0])
            return
        setting = group_rate_setting(self.group_editor.groups, group)
        rate = parse_tied_rate(text) or parse_learning_rate(text, setting)
        self._set_group_rate(group.name, rate)

    def _set_layer_decay(self, group: GroupSpec, decay: Setting | None) -> None:
        groups = grouping.set_layer_decay(self.group_editor.groups, group.name, decay)
        decay_text = "none" if decay is None else format_typed_setting(decay)
        self._commit(groups, f"{group.name}: decay from layer to layer {decay_text}", "")

    def _tie_or_untie_rate(self, group: GroupSpec) -> None:
        """Untie a tied group at once; otherwise ask what to tie it to."""
        groups = self.group_editor.groups
        if group_edits.has_tied_rate(group):
            untied = group_edits.untie_group(groups, group)
            self.commit_or_refuse(lambda: self._commit(untied, f"untie {group.name}", ""))
        else:
            usual = group_edits.usual_tie_text(groups, group)
            submit = partial(self._submit_rate, group)
            self._prompt_over_group("like NAME, or decay", usual, submit)

    def _submit_weight_decay(self, group: GroupSpec, text: str) -> None:
        grammar = Grammar(example="like 0.01, 0..0.1 or {0,0.01}")
        decay = parse_setting(text, grammar) if text.strip() else None
        decay_text = "that of 3 Other" if decay is None else format_typed_setting(decay)
        groups = grouping.set_weight_decay(self.group_editor.groups, group.name, decay)
        self._commit(groups, f"{group.name}: weight decay {decay_text}", "")

    def _submit_split(self, group: GroupSpec, text: str) -> None:
        groups = self.group_editor.groups
        split = group_edits.split_at_layer(groups, group.name, text, self._parameters)
        self._commit(split, f"split {group.name} at layer {text.strip()}", "")

    def _delete_group(self, group: GroupSpec) -> None:
        groups = grouping.delete_group(self.group_editor.groups, group.name)
        self._commit(groups, f"delete {group.name}", "")

    def _merge_with_next(self, group: GroupSpec) -> None:
        groups = self.group_editor.groups
        merged = group_edits.merge_with_next(groups, group.name, self._parameters)
        self._commit(merged, f"merge {group.name} with the next", "")

    def _rename_group(self, group: GroupSpec, text: str) -> None:
        new_name = text.strip()
        groups = grouping.rename_group(self.group_editor.groups, group.name, new_name)
        self._commit(groups, f"rename to {new_name}", "")

    def _submit_new_group(self, text: str) -> None:
        groups = self.group_editor.groups
        with_new, name = group_edits.add_group_from_text(groups, text, self._parameters)
        self._commit(with_new, f"add {name}", "")
        self.group_editor.select_group(name)

    def _submit_regrouping(self, text: str) -> None:
        groups = group_edits.regroup_layers(self.group_editor.groups, text, self._parameters)
        how = f"{text.strip()} layers" if text.strip().isdecimal() else "one rate that decays"
        self._commit(groups, f"regroup by {how}", "")


class GroupDetails(LineBar):
    """What the pane says about the selected group."""

    def __init__(self, pane: GroupsPane) -> None:
        super().__init__()
        self._pane = pane

    def content_lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        return self._pane.detail_lines(width)


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
