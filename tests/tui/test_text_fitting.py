"""Names in few cells: never longer than they were, never half a sign, apart where they differ."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tuner.render.text_fitting import fit_text, shorten_distinctly
from tuner.results.format import sanitize_text

SIGNS = st.sampled_from(
    [
        "a",
        "W",
        " ",
        "é",
        "e\u0301",
        "日",
        "👩🏽",
        "🇩🇪",
        "क्\u200dष",
        "\u0301",
        "ﷺ",
        "…",
        "-",
        "x" * 9,
    ]
)
WORDS = st.lists(SIGNS, max_size=9).map("".join).map(sanitize_text)


def test_names_that_fit_are_not_cut() -> None:
    names = ["waste", "waste ", "Waste", "café", "cafe\u0301"]
    assert shorten_distinctly(names, 9) == ["waste", "waste␣", "Waste", "café", "5:café"]
    assert shorten_distinctly(["reviews-2024", "reviews-2025"], 9) == ["revi…2024", "revi…2025"]


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("cafe\u0301s are", 5, "cafe\u0301…"), ("cafe\u0301s are", 4, "caf…"), ("日本語", 4, "日…"),
        ("🇩🇪🇫🇷🇮🇹", 3, "🇩🇪…"), ("👩🏽👩🏽", 3, "👩🏽…"), ("word", 4, "word"), ("words", 4, "wor…"),
        ("words", 1, "…"), ("words", 0, ""), ("words", -3, ""), ("", 2, "  "),
    ],
)  # fmt: skip
def test_what_is_cut_is_cut_between_signs(text: str, width: int, shown: str) -> None:
    assert fit_text(text, width).rstrip() == shown.rstrip()


@given(WORDS, st.integers(0, 12))
def test_a_text_takes_exactly_its_cells(text: str, width: int) -> None:
    fitted = fit_text(text, width)
    assert cell_len(fitted) == width
    kept_text = fitted.rstrip().removesuffix("…")
    assert len(kept_text.rstrip()) <= len(text)
    assert text.startswith(kept_text.rstrip())
    cut_text = text[len(kept_text.rstrip()) :]
    cut = fitted.rstrip().endswith("…") and cell_len(text) > width
    assert not (
        cut and cut_text and kept_text and unicodedata.category(cut_text[0]) in ("Mn", "Mc", "Me")
    )


def _look(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip()


@given(st.lists(WORDS, max_size=6, unique_by=_look), st.integers(4, 12))
def test_names_stay_apart_and_within_their_cells(names: list[str], width: int) -> None:
    short_names = shorten_distinctly(names, width)
    for name, text in zip(names, short_names, strict=True):
        assert cell_len(text) <= width
        if "…" in text and "…" not in name:
            assert cell_len(name) > width
