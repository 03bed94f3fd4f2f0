"""What a trainer leaves unimported, and that all of it is there for whoever asks."""

from __future__ import annotations

import subprocess
import sys

_TRAINS_ONE_STEP = """
import sys
from tuner.training.skipped_imports import skip_unused_imports
skip_unused_imports()
import torch
from transformers import BertConfig, BertForSequenceClassification
shape = dict(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
model = BertForSequenceClassification(BertConfig(vocab_size=9, **shape))
optimizer = torch.optim.AdamW(model.parameters())
model(input_ids=torch.ones(2, 3, dtype=torch.long), labels=torch.tensor([0, 1])).loss.backward()
optimizer.step()
optimizer.zero_grad()
heavy = ("accelerate", "scipy", "sklearn", "sympy", "torch._inductor", "torch.distributed.tensor")
print([name for name in heavy if sys.modules.get(name) is not None])
"""
_USES_THE_COMPILER = """
import torch._dynamo.config as config
from torch._dynamo.utils import counters
from transformers.masking_utils import TransformGetItemToIndex
assert torch._dynamo.config is config and config.__spec__.origin == config.__file__
assert torch._dynamo.utils.counters is counters
with TransformGetItemToIndex():
    pass
doubled = torch.compile(lambda numbers: numbers * 2, backend="eager")
print(doubled(torch.ones(2)).tolist())
"""


def test_training_imports_no_compiler_and_whoever_uses_it_gets_it_whole() -> None:
    script = _TRAINS_ONE_STEP + _USES_THE_COMPILER
    process = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert process.stdout.splitlines() == ["[]", "[2.0, 2.0]"], process.stderr[-2000:]
