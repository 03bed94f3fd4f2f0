"""The command line that all benchmarks share."""

from __future__ import annotations

import argparse


def make_parser(about: str | None, device: str = "cpu") -> argparse.ArgumentParser:
    """--smoke, --model, --data and --device; `about` is the script's own docstring."""
    argument_parser = argparse.ArgumentParser(description=(about or "").splitlines()[0])
    argument_parser.add_argument("--smoke", action="store_true", help="everything once, on little")
    argument_parser.add_argument(
        "--model", help="demo, minilm, bert-base, roberta-large or a folder"
    )
    argument_parser.add_argument(
        "--data", help="rte, trec or demo; NAME=FOLDER where it is elsewhere"
    )
    argument_parser.add_argument("--device", default=device)
    return argument_parser
