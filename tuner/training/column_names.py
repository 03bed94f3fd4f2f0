"""What columns of labelled texts are usually called."""

from __future__ import annotations

LABEL_NAMES = (
    "label", "labels", "target", "class", "category", "gold_label", "intent", "sentiment", "y",
)  # fmt: skip
PAIR_NAMES = (
    ("premise", "hypothesis"),
    ("sentence1", "sentence2"),
    ("question1", "question2"),
    ("question", "sentence"),
    ("question", "passage"),
    ("question", "context"),
    ("text1", "text2"),
    ("text_a", "text_b"),
)
TEXT_NAMES = (
    "text", "sentence", "content", "review", "utterance", "document", "comment", "message",
    "tweet", "query", "question", "body", "title",
)  # fmt: skip
IGNORED_NAMES = ("", "id", "idx", "index", "guid", "uid", "unnamed: 0")
USUAL_NAMES = frozenset(
    {*LABEL_NAMES, *TEXT_NAMES, *IGNORED_NAMES, *(name for pair in PAIR_NAMES for name in pair)}
) - {""}
