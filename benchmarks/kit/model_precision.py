"""Copy a model's folder with its weights in another floating type.

python -m kit.model_precision SOURCE TARGET float16|float32
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

_WEIGHTS = "model.safetensors"
# What a classifier is loaded from; a package also holds a README and other programs' settings.
_KEPT = (
    "config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
)


def main() -> None:
    """Write TARGET, which the weights alone make large."""
    source, target, name = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    dtype = {"float16": torch.float16, "float32": torch.float32}[name]
    target.mkdir(parents=True, exist_ok=True)
    for file in _KEPT:
        if (source / file).is_file():
            shutil.copyfile(source / file, target / file)
    tensors = load_file(source / _WEIGHTS)
    converted = {
        key: tensor.to(dtype) if tensor.is_floating_point() else tensor
        for key, tensor in tensors.items()
    }
    save_file(converted, target / _WEIGHTS, metadata={"format": "pt"})


if __name__ == "__main__":
    main()
