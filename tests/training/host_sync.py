"""Finds, on any device, what would make a host wait for a GPU."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

# Operations whose result the host needs: a number, or a shape that depends on numbers.
_ANSWERS = {
    "_local_scalar_dense",
    "equal",
    "is_nonzero",
    "masked_select",
    "nonzero",
    "_unique2",
    "unique_consecutive",
    "unique_dim",
}


class NoWaiting(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Raises AssertionError at an operation that needs an answer from the device."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = func.name().removeprefix("aten::").split(".")[0]
        assert name not in _ANSWERS, f"{name} waits for the device"
        if name in ("index", "index_put", "index_put_"):
            masks = [i for i in args[1] if i is not None and i.dtype in (torch.bool, torch.uint8)]
            assert not masks, "indexing by a mask waits for the device"
        return func(*args, **(kwargs or {}))
