"""Rebuild the packaged data and model of the embedded study: `python -m tuner.demo.build`.

The model is a tiny BERT pretrained on fresh exchanges of the same generator. Some tokens of each
message are masked and predicted from the rest, and the first token predicts the words of the city's
reply, which it does not see (as in skip-thought, Kiros et al. 2015). Labels take no part.

Arithmetic is in double precision: what another processor rounds differently grows over the steps,
and in double precision it stays below what single precision can show.
"""

import argparse
import random
import re
import string
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import BertConfig, BertForMaskedLM, BertTokenizerFast

from tuner.demo import demo_data_folder, demo_model_folder
from tuner.demo.message_generator import (
    ALL_WORDS,
    TRAINING_WORDS,
    generate_messages,
    messages_as_jsonl,
    write_exchange,
)
from tuner.demo.phrases import AFFIRMED, CLOSINGS, DENIED, GREETINGS, JOINS, REPLIES, TOPICS

# File name: (rows, seed, numbers of the phrases used).
SPLITS: Final = {
    "train.jsonl": (600, 1, TRAINING_WORDS),
    "validation.jsonl": (400, 2, ALL_WORDS),
    "test.jsonl": (300, 3, ALL_WORDS),
}
SPECIAL_TOKENS: Final = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PAD, MASK = SPECIAL_TOKENS.index("[PAD]"), SPECIAL_TOKENS.index("[MASK]")
MAX_LENGTH: Final = 64
# Wider than the usual 0.02, which suits wider models: 64 inputs of 0.02 hardly move a neuron.
INITIAL_STD: Final = 0.05
FLOAT_ERROR: Final = 1e-5  # of a weight; most lie within 1
FINE_TUNING_STD: Final = 0.02  # what a fresh classification head starts from


@dataclass(frozen=True, slots=True)
class Pretraining:
    """How the model is pretrained; lengths in steps, batches in messages."""

    steps: int = 900
    warmup: int = 100
    batch_size: int = 64
    peak_lr: float = 3e-3
    weight_decay: float = 0.01
    masked_share: float = 0.25
    reply_weight: float = 3.0
    seed: int = 7


def build_data_splits(folder: Path) -> None:
    """Write the three splits into `folder`, byte for byte the same each time."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (rows, seed, words) in SPLITS.items():
        text = messages_as_jsonl(generate_messages(rows, seed, words))
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def build_demo_model(folder: Path, plan: Pretraining | None = None) -> None:
    """Pretrain the model and save it with its tokenizer into `folder`."""
    tokenizer = build_tokenizer()
    model = pretrain_model(tokenizer, plan or Pretraining()).float()
    model.config.initializer_range = FINE_TUNING_STD
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)  # the library leaves it readable by its owner only


def build_tokenizer() -> Any:
    """Build a BERT tokenizer with every word of the generator, and letters for all other words."""
    return BertTokenizerFast(
        vocab={token: number for number, token in enumerate(tokenizer_vocabulary())},
        do_lower_case=True,
        model_max_length=MAX_LENGTH,
    )


def tokenizer_vocabulary() -> list[str]:
    """Return the tokens by id: special ones, letters, endings, words of the generator."""
    letters = string.ascii_lowercase + string.digits
    pieces = ["##" + piece for piece in (*letters, "s", "ed", "ing", "er", "ly")]
    words = sorted(set(re.findall(r"[a-z]{2,}", " ".join(_generator_phrases()).lower())))
    tokens = [*SPECIAL_TOKENS, *".,;:!?'\"-()", *letters, *pieces, *words]
    return list(dict.fromkeys(tokens))


def _generator_phrases() -> Iterator[str]:
    for frames in (*AFFIRMED.values(), *DENIED.values(), GREETINGS, CLOSINGS, JOINS, REPLIES):
        for frame in frames:
            yield re.sub(r"{\w+}", " ", frame)
    for topic in TOPICS:
        yield from (*topic.thing, *topic.place, *topic.problem, *topic.staff)


def pretrain_model(tokenizer: Any, plan: Pretraining) -> Any:
    """Train a `BertForMaskedLM` in double precision for `plan.steps` steps of new text."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(plan.seed)
    model = untrained_model(tokenizer.vocab_size, generator)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=plan.peak_lr, betas=(0.9, 0.98), weight_decay=plan.weight_decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: _learning_rate_factor(step, plan)
    )
    rng = random.Random(plan.seed)
    for step in range(plan.steps):
        ids, replies = _encode_exchanges(tokenizer, plan.batch_size, rng)
        masked, replied = masked_and_reply_losses(model, ids, replies, plan, generator)
        optimizer.zero_grad()
        torch.autograd.backward(masked + plan.reply_weight * replied)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        _print_progress(step + 1, plan.steps, masked.item(), replied.item())
    return model


def untrained_model(vocab_size: int, generator: torch.Generator) -> Any:
    """Build an untrained `BertForMaskedLM`: three layers, double precision, no dropout."""
    config = BertConfig(
        vocab_size=vocab_size,
        hidden_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=MAX_LENGTH,
        initializer_range=INITIAL_STD,
    )
    model = BertForMaskedLM(config).double().eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            # Drawn again, in double precision and from our own generator.
            if weight.ndim == 2:
                weight.normal_(0.0, INITIAL_STD, generator=generator)
                if name.endswith("word_embeddings.weight"):
                    weight[PAD].zero_()
    return model


def masked_and_reply_losses(
    model: Any, ids: Tensor, replies: Tensor, plan: Pretraining, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Compute the mean cross-entropies, in nats, of the masked tokens and the words of the replies.

    `ids` has shape (messages, tokens), `replies` (messages, words); both are padded with `PAD`.
    """
    is_selected = torch.rand(ids.shape, generator=generator) < plan.masked_share
    is_selected &= ids >= len(SPECIAL_TOKENS)
    # One chosen token in ten is left as it is, so that the model also has to encode what it sees.
    is_unchanged = torch.rand(ids.shape, generator=generator) < 0.1
    inputs = torch.where(is_selected & ~is_unchanged, MASK, ids)
    hidden = model.bert(inputs, attention_mask=(ids != PAD).long()).last_hidden_state
    masked = cross_entropy(model.cls(hidden[is_selected]), ids[is_selected])
    log_shares = model.cls(hidden[:, 0]).log_softmax(-1).gather(1, replies)
    return masked, -log_shares[replies != PAD].mean()


def _encode_exchanges(tokenizer: Any, count: int, rng: random.Random) -> tuple[Tensor, Tensor]:
    """Return token ids: of `count` messages with `[CLS]` and `[SEP]`, of their replies without."""
    texts, replies = zip(*(write_exchange(rng) for _ in range(count)), strict=True)
    encoded_messages = tokenizer(list(texts), padding=True, return_tensors="pt")
    encoded_replies = tokenizer(
        list(replies), padding=True, add_special_tokens=False, return_tensors="pt"
    )
    return encoded_messages["input_ids"], encoded_replies["input_ids"]


def _learning_rate_factor(step: int, plan: Pretraining) -> float:
    rise = (step + 1) / plan.warmup
    fall = (plan.steps - step) / (plan.steps - plan.warmup)
    return min(rise, fall)


def _print_progress(step: int, steps: int, masked: float, replied: float) -> None:
    if step % 10 == 0 or step == steps:
        end = "\n" if step == steps else "\r"
        line = (
            f"pretraining {step:4d} of {steps}   masked words {masked:.3f}   replies {replied:.3f}"
        )
        print(line, end=end, file=sys.stderr, flush=True)


def rebuild_and_compare(data: bool, model: bool) -> bool:
    """Rebuild into a temporary folder, print the differences, and return whether there are none."""
    with tempfile.TemporaryDirectory() as temporary:
        same_data = not data or _is_same_data(Path(temporary))
        same_model = not model or _is_same_model(Path(temporary))
    return same_data and same_model


def _is_same_data(folder: Path) -> bool:
    build_data_splits(folder)
    equal = {n: (folder / n).read_bytes() == (demo_data_folder() / n).read_bytes() for n in SPLITS}
    for name, same in equal.items():
        print(f"{name}: {'the same bytes' if same else 'DIFFERS'}")
    return all(equal.values())


def _is_same_model(folder: Path) -> bool:
    build_demo_model(folder)
    difference = largest_difference(folder, demo_model_folder())
    print(f"model.safetensors: largest difference of a weight {difference:.1e}")
    return difference <= FLOAT_ERROR


def largest_difference(first_folder: Path, second_folder: Path) -> float:
    """Return the largest absolute difference of a weight between two model folders.

    Infinite if their parameters differ in name or shape.
    """
    ours, theirs = (
        load_file(folder / "model.safetensors") for folder in (first_folder, second_folder)
    )
    if {name: w.shape for name, w in ours.items()} != {name: w.shape for name, w in theirs.items()}:
        return float("inf")
    return max(float((ours[name] - theirs[name]).abs().max()) for name in ours)


def main(arguments: list[str] | None = None) -> int:
    """Build, or check, what the arguments name: both data and model if they name neither."""
    parser = argparse.ArgumentParser(prog="python -m tuner.demo.build", description=__doc__)
    parser.add_argument("--data", action="store_true", help="the data only")
    parser.add_argument("--model", action="store_true", help="the model only")
    parser.add_argument("--check", action="store_true", help="rebuild elsewhere and compare")
    options = parser.parse_args(arguments)
    data = options.data or not options.model
    model = options.model or not options.data
    if options.check:
        return 0 if rebuild_and_compare(data, model) else 1
    if data:
        build_data_splits(demo_data_folder())
    if model:
        build_demo_model(demo_model_folder())
    return 0


if __name__ == "__main__":
    sys.exit(main())
