"""How rows of fields are written in a text file, decided by its content.

RFC 4180 is one dialect of many: pandas doubles quotes in .tsv files too, Spark escapes them with a
backslash, SST-2 and its like have them as plain characters, and spreadsheets separate by semicolons
where the comma is a decimal point.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TextIO

from tuner.training.decisions import Decision
from tuner.training.header import Column, has_header_row

Quotes = Literal["doubled", "backslash", "plain"]
BLANK_SEPARATOR = " "
"""The separator of lines such as TREC's and fastText's: a label, a blank, a text."""
FASTTEXT_PREFIX = "__label__"
SEPARATOR_NAMES = {
    ",": "commas",
    "\t": "tabs",
    ";": "semicolons",
    "|": "bars",
    BLANK_SEPARATOR: "a blank after the label",
}
_SAMPLE_CHARACTERS = 2**20
_USUAL_SEPARATOR = {".csv": ",", ".tsv": "\t"}
_CLEAR_SHARE = 0.98
_MOST_LABELS = 200
_COMPARED = 1_000
_LABEL_LIKE = re.compile(r"[+-]?\d+|[^:]+:[^:]+")
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*')
"""What tells spreadsheets the separator."""
_ESCAPED_QUOTE = re.compile(r'(\\+)"')


@dataclass(frozen=True, slots=True)
class DialectKeys:
    """What a recipe says about a file's form; None is left to the content."""

    separator: str | None = None
    header: bool | None = None
    quotes: bool | Literal["backslash"] | None = None
    encoding: str | None = None


@dataclass(frozen=True, slots=True)
class Dialect:
    """How fields are separated and quoted, whether a header comes first, and what was decided.

    `row_names`: the header lacks a name for the first column, which counts the rows, as R writes
    it. `padded`: a blank follows each separator and is not part of the field.
    """

    separator: str
    quotes: Quotes
    header: bool
    decisions: tuple[Decision, ...]
    row_names: bool = False
    padded: bool = False


class RecordReader(Iterator[list[str]], Protocol):
    """What csv.reader returns."""

    @property
    def line_num(self) -> int:
        """Return how many lines were read."""
        ...


@dataclass(frozen=True, slots=True)
class Sample:
    """Some lines with their ends; `whole` where these are all that the file has."""

    lines: list[str]
    whole: bool

    def has_padded_fields(self, separator: str) -> bool:
        """Return whether each line, header included, has a blank after its last separator."""
        ends = (line.rstrip("\r\n").rpartition(separator) for line in self.lines if line.strip())
        return not separator.isspace() and all(
            separator_found and end[:1] == " " for _, separator_found, end in ends
        )


@dataclass(frozen=True, slots=True)
class ParseAttempt:
    """A sample read in one way. `fault`: why a quote is wrong, if one is."""

    separator: str
    quotes: Quotes
    rows: list[list[str]]
    fault: Literal["", "unclosed", "text after a quote"]

    @property
    def width_agreement(self) -> float:
        """Return the share of rows with the usual number of fields; 0 for one field or a fault."""
        widths = Counter(len(row) for row in self.rows)
        usual = max(widths, key=widths.__getitem__, default=1)
        return 0.0 if self.fault or usual < 2 else widths[usual] / len(self.rows)


def read_file_sample(file: TextIO) -> Sample:
    """Read the first megabyte, and another one from the first quote on where that comes later."""
    lines, more = _take_megabyte(file)
    if lines and SEPARATOR_LINE.fullmatch(lines[0]):
        del lines[0]
    if more and not any('"' in line for line in lines):
        first = next((line for line in file if '"' in line), None)
        if first is not None:
            lines += [first, *_take_megabyte(file)[0]]
    return Sample(lines, not more)


def _take_megabyte(file: TextIO) -> tuple[list[str], bool]:
    """Read lines of about a megabyte; return them and whether there are more."""
    lines, room = [], _SAMPLE_CHARACTERS
    for line in file:
        lines.append(line)
        room -= len(line)
        if room < 0:
            return lines, True
    return lines, False


def decide_dialect(
    sample: Sample, suffix: str, keys: DialectKeys, wanted_columns: Sequence[Column]
) -> Dialect | None:
    """Decide the dialect of a file; None where its lines have one field whatever separates them.

    A header that has all `wanted_columns`, those that the recipe names, settles the separator.
    """
    if _is_labelled_text(sample, keys, after_tables=False):
        return _labelled_text_dialect(keys)
    attempts = [
        _attempt_with_best_quotes(sample, sep, suffix, keys)
        for sep in _candidate_separators(suffix, keys)
    ]
    best_attempt = max(attempts, key=lambda trial: _attempt_rank(trial, wanted_columns))
    usual = _USUAL_SEPARATOR.get(suffix)
    if best_attempt.width_agreement < (
        _CLEAR_SHARE if usual is None and keys.separator is None else 1e-9
    ):
        if _is_labelled_text(sample, keys, after_tables=True):
            return _labelled_text_dialect(keys)
        if not any(len(row) > 1 for row in best_attempt.rows):
            return None
    header = has_header_row(best_attempt.rows, wanted_columns, keys.header)
    quoted = any('"' in line for line in sample.lines)
    decisions = tuple(_describe_decisions(best_attempt, header, quoted, keys))
    row_names = header and _first_column_counts_rows(best_attempt.rows)
    padded = sample.has_padded_fields(best_attempt.separator)
    return Dialect(
        best_attempt.separator, best_attempt.quotes, header, decisions, row_names, padded
    )


def _first_column_counts_rows(rows: Sequence[Sequence[str]]) -> bool:
    counted = [row[0] for row in rows[1:3] if len(row) == len(rows[0]) + 1]
    return counted in (["1", "2"], ["0", "1"])


def _candidate_separators(suffix: str, keys: DialectKeys) -> list[str]:
    if keys.separator is not None:
        return [keys.separator]
    usual = _USUAL_SEPARATOR.get(suffix)
    return sorted("\t,;|", key=lambda separator: separator != usual)


def _attempt_rank(
    attempt: ParseAttempt, wanted_columns: Sequence[Column]
) -> tuple[bool, float, bool]:
    """Rank a way to read: it has the wanted columns, rows of one width, a label column."""
    names = [name for name in wanted_columns if isinstance(name, str)]
    first = {cell.strip() for cell in attempt.rows[0]} if attempt.rows else set()
    columns = zip(*(row for row in attempt.rows[:_COMPARED] if len(row) > 1), strict=False)
    labels = any(len(set(column)) <= len(column) / 2 for column in columns)
    return bool(names) and first.issuperset(names), round(attempt.width_agreement, 2), labels


def _attempt_with_best_quotes(
    sample: Sample, separator: str, suffix: str, keys: DialectKeys
) -> ParseAttempt:
    """Read the sample with the quotes that fit it best.

    Where quotes fit both as characters and as marks around fields, they are marks in .csv files,
    and elsewhere if a field would need them or all fields of a column have them.
    """
    if keys.quotes is not None:
        return parse_sample(sample, separator, _quotes_from_keys(keys))
    doubled = parse_sample(sample, separator, "doubled")
    plain = parse_sample(sample, separator, "plain")
    text = "".join(sample.lines)
    enclosed, needed = _enclosed_fields(text, separator)
    usual = suffix == ".csv" or (separator in ",;" and suffix != ".tsv")
    if not doubled.fault and not (
        usual or needed or enclosed > max(len(doubled.rows) - 1, 0) * 0.9 > 0
    ):
        return plain
    candidates = [doubled]
    if '\\"' in text:
        candidates.append(parse_sample(sample, separator, "backslash"))
    if not usual or (doubled.fault != "unclosed" and not needed):
        candidates.append(plain)
    return max(candidates, key=lambda trial: round(trial.width_agreement, 2))


def _quotes_from_keys(keys: DialectKeys) -> Quotes:
    if keys.quotes == "backslash":
        return "backslash"
    return "doubled" if keys.quotes else "plain"


def _enclosed_fields(text: str, separator: str) -> tuple[int, bool]:
    """Count the fields between quotes; also return whether one would be misread without them."""
    apart = re.escape(separator)
    field = re.compile(rf'(?:^|(?<={apart}))"((?:[^"]|"")*+)"(?={apart}|\r?$)', re.MULTILINE)
    enclosed = field.findall(text) if '"' in text else []
    needed = any('""' in inner or separator in inner or "\n" in inner for inner in enclosed)
    return len(enclosed), needed


def parse_sample(sample: Sample, separator: str, quotes: Quotes) -> ParseAttempt:
    """Read a sample in one way, up to the first quote that is wrong."""
    rows: list[list[str]] = []
    reader = csv_reader_for_dialect(
        sample.lines, separator, quotes, padded=sample.has_padded_fields(separator)
    )
    last = 0
    try:
        for row in reader:
            last = reader.line_num
            if row:
                rows.append(row)
    except csv.Error as error:
        if "end of data" not in str(error):
            return ParseAttempt(separator, quotes, rows, "text after a quote")
        # The sample may end inside of a field, but not inside of one that is half of it.
        if sample.whole or last < len(sample.lines) / 2:
            return ParseAttempt(separator, quotes, rows, "unclosed")
    return ParseAttempt(separator, quotes, rows, "")


def csv_reader_for_dialect(
    lines: Iterable[str], separator: str, quotes: Quotes, *, padded: bool = False
) -> RecordReader:
    """Return the csv reader of a dialect; it raises csv.Error where a quote is wrong."""
    csv.field_size_limit(1 << 30)
    if quotes == "plain":
        return csv.reader(
            lines, delimiter=separator, quoting=csv.QUOTE_NONE, skipinitialspace=padded
        )
    if quotes == "backslash":
        lines = (_ESCAPED_QUOTE.sub(_double_escaped_quote, line) for line in lines)
    return csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=padded)


def _double_escaped_quote(match: re.Match[str]) -> str:
    """Rewrite backslashes before a quote: two make one, an odd one makes the quote a character."""
    pairs, odd = divmod(len(match[1]), 2)
    return "\\" * pairs + ('""' if odd else '"')


def iter_labelled_lines(lines: Iterable[str]) -> Iterator[tuple[int, str, str]]:
    """Yield (line number, label, text) of lines with a label, a blank and a text."""
    for number, line in enumerate(lines, 1):
        label, _, text = line.strip().partition(" ")
        if label:
            yield number, label.removeprefix(FASTTEXT_PREFIX), text.strip()


def _is_labelled_text(sample: Sample, keys: DialectKeys, *, after_tables: bool) -> bool:
    """Return whether each line is a label, a blank and a text, by fastText's mark or by repetition.

    Other lines are tried as tables first, since those separate a label and a text as well.
    """
    if keys.separator is not None:
        return keys.separator == BLANK_SEPARATOR
    pairs = [line.split(None, 1) for line in sample.lines if line.strip()]
    first = [pair[0] for pair in pairs if len(pair) == 2]
    if not first or len(first) < _CLEAR_SHARE * len(pairs):
        return False
    if sum(word.startswith(FASTTEXT_PREFIX) for word in first) >= _CLEAR_SHARE * len(pairs):
        return True
    return after_tables and _look_like_labels(first)


def _look_like_labels(first: Sequence[str]) -> bool:
    """Return whether the first words of lines are labels, and not those of sentences.

    Labels repeat, and look like numbers or TREC's CLASS:kind, or hardly any occurs only once.
    """
    counts = Counter(first)
    if not 2 <= len(counts) <= min(len(first) / 2, _MOST_LABELS):
        return False
    if all(_LABEL_LIKE.fullmatch(word) for word in counts):
        return True
    singles = sum(count == 1 for count in counts.values())
    return singles <= (1 - _CLEAR_SHARE) * len(first) and not any(
        word[-1] in ",.;:!?" for word in counts
    )


def _labelled_text_dialect(keys: DialectKeys) -> Dialect:
    decision = Decision(
        "lines of a label, a blank and a text: columns label, text", "data.separator"
    )
    return Dialect(BLANK_SEPARATOR, "plain", False, () if keys.separator else (decision,))


def _describe_decisions(
    attempt: ParseAttempt, header: bool, quoted: bool, keys: DialectKeys
) -> Iterator[Decision]:
    """Yield what was decided, each with the key that overrules it."""
    if keys.separator is None:
        apart = SEPARATOR_NAMES.get(attempt.separator, attempt.separator)
        yield Decision(f"separated by {apart}", "data.separator")
    if keys.header is None:
        names = ", ".join(cell.strip() or "(no name)" for cell in attempt.rows[0][:8])
        text = f"with a header ({names})" if header else "without a header"
        yield Decision(text, "data.header")
    if keys.quotes is None and quoted:
        yield Decision(_QUOTE_DESCRIPTIONS[attempt.quotes], "data.quotes")


_QUOTE_DESCRIPTIONS: dict[Quotes, str] = {
    "doubled": "quotes around fields, doubled inside",
    "backslash": "quotes around fields, with a backslash inside",
    "plain": "quotes are plain characters",
}
