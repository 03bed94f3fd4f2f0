"""Which class a row's label means."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tuner.errors import TunerError
from tuner.recipe.nearest import nearest_spelling, quote_value
from tuner.recipe.types import DataSection
from tuner.results.format import count_in_words
from tuner.training.listing import list_first
from tuner.training.near_labels import (
    group_near_labels,
    merge_near_labels,
    normalized_label_key,
    quote_label_visibly,
)

LabelValue = bool | int | float | str | list[Any] | dict[str, Any] | None
LabelForm = Literal["number", "boolean", "text"]
MOST_CLASSES = 200
UNLABELLED = -1
"""The class number of a row without a label."""
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_WHOLE = re.compile(r"[+-]?(0|[1-9][0-9]*)(\.0+)?")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)
_SENTINELS = ("-1", "-100")
_RARE = 0.02
_MOST_FRACTIONS = 20
_SHOWN = 5
_FEW_ROWS = 10


@dataclass(frozen=True, slots=True)
class LabelScheme:
    """Which class a label of any file means. `labels` names the classes in their order.

    `spellings` has every label of train and validation; labels of other files are brought to the
    same `form` first. `keys` are those of `normalized_label_key`, empty where near labels stay
    apart.
    """

    labels: tuple[str, ...]
    spellings: Mapping[str, int]
    form: LabelForm
    unlabelled: frozenset[str]
    keys: Mapping[str, int]
    decisions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def class_numbers(self, texts: Sequence[str], where: str) -> npt.NDArray[np.int64]:
        """Return the class of each row, `UNLABELLED` where the recipe says so of its label.

        Raises TunerError for labels that neither train nor validation has, and for rows without a
        label.
        """
        refuse_missing(texts, where, self.unlabelled)
        number = {text: self.class_number(text) for text in set(texts)}
        unknown = Counter(text for text in texts if number[text] is None)
        if unknown:
            listed = _quote_some_labels(unknown)
            near = nearest_spelling(min(unknown), self.spellings)
            hint = f"; did you mean {quote_value(near)}?" if near else ""
            raise TunerError(
                f"{where}: no such label in the training data: {listed} "
                f"({unknown.total()} of {len(texts)} rows){hint}"
            )
        return np.array([number[text] for text in texts], dtype=np.int64)

    def class_number(self, text: str) -> int | None:
        """Return the class that a label means: `UNLABELLED` for none, None for an unknown one."""
        canonical = _canonical_label(text, self.form)
        if canonical in self.unlabelled:
            return UNLABELLED
        return self.spellings.get(canonical, self.keys.get(normalized_label_key(canonical)))


def labels_as_texts(
    values: Sequence[LabelValue], names: Sequence[str] | None, where: str
) -> list[str]:
    """Return each row's label as text, "" where there is none; `names[value]` of numbered classes.

    Raises TunerError for labels that are lists, objects or fractions.
    """
    if all(type(value) is str for value in values):
        texts = [str(value) for value in values]
    else:
        texts = [_label_as_text(value, number, where) for number, value in enumerate(values, 1)]
    return texts if names is None else [_name_numbered_class(text, names, where) for text in texts]


def _label_as_text(value: LabelValue, row: int, where: str) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, list | dict):
        what = "a list: tuner trains one label a row" if isinstance(value, list) else "an object"
        raise TunerError(f"{where}, row {row}: the label {quote_value(value)} is {what}")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        if not value.is_integer():
            raise TunerError(
                f"{where}, row {row}: the label {value} is a fraction; tuner trains classifiers, "
                "not regressions"
            )
        return str(int(value))
    return str(value)


def _name_numbered_class(text: str, names: Sequence[str], where: str) -> str:
    if text in names or not _INTEGER.fullmatch(text):
        return text
    if int(text) == UNLABELLED:
        return ""
    if not 0 <= int(text) < len(names):
        raise TunerError(
            f"{where}: the label {text} is not the number of one of {len(names)} classes"
        )
    return names[int(text)]


def decide_labels(
    train: Sequence[str],
    validation: Sequence[str],
    section: DataSection,
    class_names: Sequence[str] | None,
    where: str,
) -> LabelScheme:
    """Decide the classes of these labels; `validation` is empty where it is a share of train.

    `where` begins the errors about train's labels. Raises TunerError for labels that cannot be
    learnt.
    """
    names = section.label_names or ()
    given_names = set(names.values()) if isinstance(names, Mapping) else set(names)
    form = _detect_label_form({*train, *validation} - {"", *given_names})
    train_counts, validation_counts = _count_labels(train, form), _count_labels(validation, form)
    labels_of_names = _labels_of_names(train_counts.keys() - given_names, section)
    train_counts, validation_counts = (
        _rename_labels(train_counts, labels_of_names),
        _rename_labels(validation_counts, labels_of_names),
    )
    unlabelled_key = section.unlabelled
    unlabelled = frozenset(_canonical_label(text, form) for text in unlabelled_key or ())
    if unlabelled_key is None:
        _refuse_sentinels(train_counts, validation_counts, where)
    both = Counter(
        {
            t: n
            for t, n in (train_counts + validation_counts).items()
            if t.strip() and t not in unlabelled
        }
    )
    merged = merge_near_labels(both) if section.merge_labels else {text: text for text in both}
    present = {merged[text] for text in train_counts if text in merged}
    labels = labels_in_class_order(merged.values(), class_names)
    _check_class_count(
        labels, present, sum(train_counts[t] for t in train_counts if t in merged), where
    )
    _refuse_disjoint_labels(
        present, {merged[text] for text in validation_counts if text in merged}, where
    )
    spellings = {text: labels.index(label) for text, label in merged.items()}
    keys = (
        {normalized_label_key(text): n for text, n in spellings.items()}
        if section.merge_labels
        else {}
    )
    named = apply_label_names(labels, section.label_names)
    return LabelScheme(
        named,
        {name: number for number, name in enumerate(named)} | spellings,
        form,
        unlabelled,
        keys,
        tuple(
            _label_decisions({*train, *validation} - {"", *given_names}, form, both, unlabelled_key)
        ),
        tuple(_near_label_warning(both) if not section.merge_labels else ()),
    )


def _labels_of_names(labels: Iterable[str], section: DataSection) -> dict[str, str]:
    """Map each given name to the label that it stands for: a file may hold names already."""
    names, numbers = section.label_names, [text for text in labels if _INTEGER.fullmatch(text)]
    if names is None or not (isinstance(names, Mapping) or numbers):
        return {}
    table = (
        names
        if isinstance(names, Mapping)
        else _numbered_names(labels_in_class_order(numbers), names)
    )
    return {name: label for label, name in table.items() if name not in table}


def _rename_labels(counts: Counter[str], labels_of_names: Mapping[str, str]) -> Counter[str]:
    renamed: Counter[str] = Counter()
    for text, count in counts.items():
        renamed[labels_of_names.get(text, text)] += count
    return renamed


def _count_labels(texts: Sequence[str], form: LabelForm) -> Counter[str]:
    counts: Counter[str] = Counter()
    for text, count in Counter(texts).items():
        counts[_canonical_label(text, form)] += count
    return counts


def _detect_label_form(labels: set[str]) -> LabelForm:
    """Return whether labels are numbers, true and false, or any texts, judged by all of them."""
    if labels and {label.lower() for label in labels} <= {"true", "false"}:
        return "boolean"
    return "number" if labels and all(map(_WHOLE.fullmatch, labels)) else "text"


def _canonical_label(text: str, form: LabelForm) -> str:
    """Return a label in the one spelling of its form: 1 for 1.0 and +1, true for True."""
    if form == "boolean":
        return text.lower()
    if form == "number" and _WHOLE.fullmatch(text):
        whole = text.removeprefix("+").partition(".")[0]
        return "0" if whole == "-0" else whole
    return text


def refuse_missing(texts: Sequence[str], where: str, unlabelled: Iterable[str]) -> None:
    """Raise TunerError with the rows whose label is empty, unless the recipe allows these."""
    if "" in unlabelled or all(text.strip() for text in set(texts)):
        return
    rows = [number for number, text in enumerate(texts, 1) if not text.strip()]
    if rows:
        raise TunerError(
            f"{where}: {len(rows)} of {len(texts)} rows have no label (null or empty), "
            f"{_list_row_numbers(rows)}: 'data.unlabelled = [\"\"]' leaves such rows out"
        )


def _list_row_numbers(rows: Sequence[int]) -> str:
    return f"{'row' if len(rows) == 1 else 'rows'} {list_first(list(map(str, rows)))}"


def _refuse_sentinels(train: Counter[str], validation: Counter[str], where: str) -> None:
    """Raise TunerError where -1 or -100 seem to mean "no label".

    They do where they are rare, or stand among labels that are not numbers. Sentiment is -1, 0 and
    1 in many data sets: there -1 is a label like the others.
    """
    for sentinel in _SENTINELS:
        count, total = train[sentinel], train.total()
        others = [label for label in train if label not in (sentinel, "")]
        numbers = bool(others) and all(_INTEGER.fullmatch(label) for label in others)
        common = sentinel != "-100" and numbers and count >= _RARE * total
        rows = count or validation[sentinel]
        if rows and not common:
            raise TunerError(
                f"{where if count else 'data.validation'}: {rows} rows have the label {sentinel}, "
                f"which usually means no label: data.unlabelled = [{sentinel}] leaves them out, "
                "data.unlabelled = [] keeps it as a label"
            )


def labels_in_class_order(
    texts: Iterable[str], names: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Sort labels into class order: as the data set numbers them, by number, or by alphabet."""
    distinct = set(texts)
    if names is not None and distinct <= set(names):
        return tuple(name for name in names if name in distinct)
    if all(_INTEGER.fullmatch(text) for text in distinct):
        return tuple(sorted(distinct, key=int))
    return tuple(sorted(distinct))


def _check_class_count(labels: Sequence[str], train: set[str], rows: int, where: str) -> None:
    """Raise TunerError unless train has 2 classes, all files at most 200, and labels repeat.

    A column of numbers or of texts that are all different is not a label.
    """
    if len(train) < 2:
        only = quote_label_visibly(next(iter(train))) if train else "none"
        raise TunerError(
            f"{where}: every row has the label {only}; at least two classes are needed"
        )
    fractions = [label for label in labels if not _INTEGER.fullmatch(label)]
    if len(labels) > _MOST_FRACTIONS and fractions and all(map(_NUMBER.fullmatch, labels)):
        raise TunerError(
            f"{where}: {len(labels)} different numbers as labels, such as {fractions[0]}: tuner "
            "trains classifiers, not regressions"
        )
    if len(train) == rows >= _FEW_ROWS or len(labels) > MOST_CLASSES:
        amount = (
            "every row has a label of its own"
            if len(train) == rows
            else (f"{len(labels)} different labels, at most {MOST_CLASSES} are possible")
        )
        raise TunerError(f"{where}: {amount}; is data.label the right column?")


def _refuse_disjoint_labels(train: set[str], validation: set[str], where: str) -> None:
    """Raise TunerError where validation has labels, and none of them is one of train's."""
    if not validation or validation & train:
        return
    keys = {normalized_label_key(label) for label in train} & {
        normalized_label_key(label) for label in validation
    }
    hint = "; data.merge_labels = true merges labels that differ only in case or blanks"
    raise TunerError(
        f"data.validation has no label in common with train ({where.split(': ')[-1]}): it has "
        f"{_quote_some_labels(validation)}, train has {_quote_some_labels(train)}"
        f"{hint if keys else ''}"
    )


def _quote_some_labels(labels: Iterable[str]) -> str:
    return list_first([quote_label_visibly(label) for label in sorted(labels)])


def apply_label_names(
    labels: tuple[str, ...], names: tuple[str, ...] | Mapping[str, str] | None
) -> tuple[str, ...]:
    """Return the labels under the names that the recipe gives them.

    A list goes by the labels' own numbers, from 0 or from 1; a table by the labels themselves.
    Raises TunerError unless each label has its own name.
    """
    if names is None:
        return labels
    table = names if isinstance(names, Mapping) else _numbered_names(labels, names)
    where = "data.label_names"
    unnamed = [label for label in labels if label not in table]
    if unnamed:
        raise TunerError(f"{where}: no name for the label {_quote_some_labels(unnamed)}")
    unknown = [label for label in table if label not in labels]
    if unknown:
        raise TunerError(
            f"{where}: no row has the label {_quote_some_labels(unknown)}; there are "
            f"{_quote_some_labels(labels)}"
        )
    named = tuple(table[label] for label in labels)
    twice = [name for name in named if named.count(name) > 1]
    if twice:
        raise TunerError(f"{where}: two labels are named {quote_value(twice[0])}")
    return named


def _numbered_names(labels: tuple[str, ...], names: tuple[str, ...]) -> dict[str, str]:
    if not all(_INTEGER.fullmatch(label) for label in labels):
        raise TunerError(
            f"data.label_names: a list names labels that are numbers, these are "
            f'{_quote_some_labels(labels)}; write a table, {{ LABEL = "NAME", … }}'
        )
    first = 1 if labels[0] == "1" and len(names) == len(labels) else 0
    return {str(number): name for number, name in enumerate(names, first)}


def _label_decisions(
    all_labels: set[str],
    form: LabelForm,
    labels: Counter[str],
    unlabelled_key: tuple[str, ...] | None,
) -> Iterable[str]:
    respelt = sorted(text for text in all_labels if _canonical_label(text, form) != text)
    if respelt:
        canonical = _canonical_label(respelt[0], form)
        yield f"labels go by their value: {quote_value(respelt[0])} is {quote_value(canonical)}"
    if unlabelled_key is None and labels["-1"]:
        yield (
            f"-1 counts as a label, in {labels['-1']} of {labels.total()} rows "
            "(data.unlabelled = [-1] leaves them out)"
        )


def _near_label_warning(labels: Mapping[str, int]) -> Iterable[str]:
    """Yield one warning for all labels that differ in case, blanks or Unicode form only."""
    groups = group_near_labels(labels)
    if groups:
        listed = "; ".join(
            " and ".join(
                f"{quote_label_visibly(label)} ({count_in_words(labels[label], 'row')})"
                for label in group
            )
            for group in groups[:_SHOWN]
        )
        more = f" and {len(groups) - _SHOWN} more" if len(groups) > _SHOWN else ""
        yield (
            f"labels that differ only in case, blanks or Unicode form are different classes: "
            f"{listed}{more}; data.merge_labels = true merges them"
        )
