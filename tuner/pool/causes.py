"""Why a trial failed or was tried again: the words in messages and events."""

from __future__ import annotations

OUT_OF_MEMORY = "out of memory"
NOT_A_NUMBER = "not a number"
DEVICE_LOST = "device lost"
EXCEPTION = "exception"
DIED = "died"
HUNG = "hung"
NO_KERNELS = "no such kernels"
