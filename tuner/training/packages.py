"""Packages that some tokenizers need, and what to say where one is missing."""

from __future__ import annotations

from importlib.util import find_spec

# By the module that is imported. transformers asks for tiktoken where one of these is missing.
_SENTENCEPIECE = {"sentencepiece": "sentencepiece", "google.protobuf": "protobuf"}


def unread_vocabulary_reason(message: str) -> str | None:
    """Explain why transformers could not read a vocabulary; None for another failure."""
    if not any(name in message for name in ("tiktoken", "sentencepiece", "protobuf")):
        return None
    missing = [package for module, package in _SENTENCEPIECE.items() if not _is_installed(module)]
    if missing:
        return (
            "its tokenizer is a sentencepiece file, which needs a package that is not installed: "
            f"pip install {' '.join(missing)}"
        )
    return (
        "its tokenizer's vocabulary cannot be read: the file is damaged, or of a kind that needs "
        "the package tiktoken; save the tokenizer as tokenizer.json"
    )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        # Of a submodule whose parent is missing.
        return False
