"""The embedded study: a small data set of messages to a city and a tiny pretrained BERT.

Both are made by this package (`python -m tuner.demo.build`) and shipped with it, so that a study
can be shown without network or GPU.
"""

from pathlib import Path

_ASSETS = Path(__file__).parent / "assets"


def demo_data_folder() -> Path:
    """Return the folder of `train`, `validation` and `test.jsonl` (columns `text` and `label`)."""
    return _ASSETS / "data"


def demo_model_folder() -> Path:
    """Return the folder of the pretrained model and its tokenizer, for `from_pretrained`."""
    return _ASSETS / "model"
