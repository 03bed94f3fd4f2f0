"""README.md beside a saved model: its labels, and how to use it so that it predicts as in tuner."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.training.listing import quote_first

_SHOWN = 20
_CARD = """\
A text classifier, trained by tuner from {base}. It predicts one of {count} labels:
{labels}.

```python
from transformers import pipeline

classify = pipeline("text-classification", "FOLDER", truncation=True)
classify({example})
```

With `truncation=True` texts are cut at {length} tokens, as they were in training; without it a
pipeline reads longer texts whole, and may predict another label. {padding}
"""


def render_model_card(
    base: str, labels: Sequence[str], columns: int, length: int, padded: bool
) -> str:
    """Write the text for a model with these labels, for texts of one column or two.

    `padded` says whether padding leaves its predictions as they are.
    """
    return _CARD.format(
        base=base,
        count=len(labels),
        labels=quote_first(labels, _SHOWN),
        example='{"text": "…", "text_pair": "…"}' if columns > 1 else '"…"',
        length=length,
        padding=(
            "Any `batch_size` gives the same predictions."
            if padded
            else "Padding changes its predictions: leave `batch_size` at 1."
        ),
    )
