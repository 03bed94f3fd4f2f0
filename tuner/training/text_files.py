"""Data files as text: unpacked and decoded by what their bytes say."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, TextIO

from tuner.errors import TunerError
from tuner.recipe.nearest import quote_value
from tuner.training.decisions import Decision

PACKED_SUFFIXES = (".gz", ".bz2", ".xz")
_UNPACKERS: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
_SPREADSHEET = "is a spreadsheet: save the sheet as CSV (UTF-8) and name that file"
_ARCHIVE = "is an archive: unpack it and name the file inside"
_PICKLE = "is a pickle, which can run code when it is read: save the rows as .csv or .parquet"
_ARRAYS = "is not a format that tuner reads: save the rows as .csv, .jsonl or .parquet"
_REFUSED_SUFFIXES = {
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".numbers"), _SPREADSHEET),
    **dict.fromkeys((".zip", ".tar", ".tgz", ".7z", ".rar"), _ARCHIVE),
    **dict.fromkeys((".pkl", ".pickle", ".pt", ".joblib"), _PICKLE),
    **dict.fromkeys(
        (".npy", ".npz", ".h5", ".hdf5", ".feather", ".orc", ".db", ".sqlite"), _ARRAYS
    ),
    **dict.fromkeys((".pdf", ".doc", ".docx", ".odt"), _ARRAYS),
    ".zst": "is packed with zstd: unpack it first (zstd -d)",
}
_REFUSED_STARTS = {
    b"PK\x03\x04": _ARCHIVE,
    b"\xd0\xcf\x11\xe0": _SPREADSHEET,
    b"\x28\xb5\x2f\xfd": _REFUSED_SUFFIXES[".zst"],
    b"\x80\x03": _PICKLE,
    b"\x80\x04": _PICKLE,
    b"\x80\x05": _PICKLE,
    **dict.fromkeys((b"SQLite format 3", b"ARROW1", b"\x89HDF", b"\x93NUMPY", b"%PDF"), _ARRAYS),
}
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_WORD_END = re.compile(r"""[\s,;|"']+""")
_HEAD = 4096
_TAR = slice(257, 262)


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text file and how to decode it. `where` begins its error messages."""

    path: Path
    where: str
    encoding: str
    decisions: tuple[Decision, ...] = ()

    @property
    def suffix(self) -> str:
        """Return what its name ends in, without the suffix of packed files."""
        return unpacked_suffix(self.path)

    @contextmanager
    def open_text(self) -> Iterator[TextIO]:
        """Open it with line ends as they are. TunerError where bytes are not of the encoding."""
        try:
            with open_unpacked(self.path) as raw:
                yield TextIOWrapper(raw, encoding=self.encoding, newline="")
        except UnicodeError as error:
            raise TunerError(f"{self.where}{_explain_undecodable(self, error)}") from None
        except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
            raise TunerError(f"{self.where} cannot be unpacked: {error}") from None
        except OSError as error:
            why = error.strerror or error
            raise TunerError(f"{self.where} cannot be read: {why}") from None


def unpacked_suffix(path: Path) -> str:
    """Return `.csv` for `rows.csv` and for `rows.csv.gz`."""
    name = path.with_suffix("") if path.suffix.lower() in PACKED_SUFFIXES else path
    return name.suffix.lower()


def open_unpacked(path: Path) -> IO[bytes]:
    """Open the bytes of a file, or of what is packed in it (gzip, bzip2, xz), whatever its name."""
    with path.open("rb") as file:
        start = file.read(6)
    opener = next((o for magic, o in _UNPACKERS.items() if start.startswith(magic)), None)
    unpacked: IO[bytes] = path.open("rb") if opener is None else opener(path)
    return unpacked


def read_first_bytes(path: Path, where: str) -> bytes:
    """Read the first bytes of what is in a file. TunerError where these are not rows of text."""
    refusal = _REFUSED_SUFFIXES.get(unpacked_suffix(path))
    if refusal is not None:
        raise TunerError(f"{where} {refusal}")
    try:
        with open_unpacked(path) as file:
            start = file.read(_HEAD)
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise TunerError(f"{where} cannot be unpacked: {error}") from None
    except OSError as error:
        raise TunerError(f"{where} cannot be read: {error.strerror or error}") from None
    if not start:
        raise TunerError(f"{where} is empty")
    refusal = next((r for magic, r in _REFUSED_STARTS.items() if start.startswith(magic)), None)
    if refusal is not None or start[_TAR] == b"ustar":
        raise TunerError(f"{where} {refusal or _ARCHIVE}")
    return start


def detect_text_file(path: Path, where: str, start: bytes, encoding: str | None) -> TextFile:
    """Determine a file's encoding: that of its byte order mark, UTF-8, or the recipe's.

    `encoding` is for files that are not UTF-8: one key speaks of all files of a recipe, and text in
    another encoding is not UTF-8 by chance. Raises TunerError where the bytes are not text.
    """
    mark = next((e for bom, e in _BYTE_ORDER_MARKS.items() if start.startswith(bom)), None)
    if encoding is not None and _is_ascii_alike(encoding) and _is_utf8_text(path):
        encoding = None
    detected = mark or encoding or _utf16_by_zero_bytes(start) or "utf-8"
    if detected in ("utf-8", "utf-8-sig"):
        if start.count(0) > len(start) / 10:
            raise TunerError(f"{where} is not text: it is full of zero bytes")
        return TextFile(path, where, "utf-8-sig" if mark else "utf-8")
    return TextFile(
        path, where, detected, (Decision(f"encoded as {detected.upper()}", "data.encoding"),)
    )


def _is_ascii_alike(encoding: str) -> bool:
    return "a1".encode(encoding, "replace") == b"a1"


def _is_utf8_text(path: Path) -> bool:
    try:
        with open_unpacked(path) as raw, TextIOWrapper(raw, encoding="utf-8") as text:
            while text.read(_HEAD * 256):
                pass
    except (UnicodeDecodeError, EOFError, zlib.error, lzma.LZMAError, OSError):
        # What else is wrong is told where the rows are read.
        return False
    return True


def _utf16_by_zero_bytes(start: bytes) -> str | None:
    """Recognise UTF-16 without a mark by the zero bytes that are half of any western text."""
    even, odd = start[0::2].count(0), start[1::2].count(0)
    half = len(start) // 2
    if half > 1 and odd > 0.4 * half and even < 0.05 * half:
        return "utf-16-le"
    if half > 1 and even > 0.4 * half and odd < 0.05 * half:
        return "utf-16-be"
    return None


def _explain_undecodable(file: TextFile, error: UnicodeError) -> str:
    """Say which line is not of the encoding, and what can be done about it."""
    if not file.encoding.startswith("utf-8"):
        return f" is not {file.encoding} text: data.encoding names the encoding of the file"
    with open_unpacked(file.path) as lines:
        for number, line in enumerate(lines, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as failure:
                return (
                    f", line {number} is not UTF-8 text: {_suggest_encoding(line, failure.start)}"
                )
    return f" is not UTF-8 text ({error})"


def _suggest_encoding(line: bytes, position: int) -> str:
    """Show how the word around a byte looks in the usual other encoding, for a person to judge."""
    text = line.decode("cp1252", "replace")
    before, after = (
        _WORD_END.split(text[max(position - 20, 0) : position])[-1],
        text[position : position + 20],
    )
    word = before + _WORD_END.split(after)[0]
    if word and word.isprintable() and "\ufffd" not in word:
        return (
            f'if {quote_value(word)} looks right, set data.encoding = "cp1252"; '
            "else name the right one"
        )
    return 'name the encoding of the file, such as data.encoding = "cp1252", "gb18030", "shift_jis"'
