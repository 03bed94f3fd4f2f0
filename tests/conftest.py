"""What every test needs: no surprises from the user's environment, and calm thread pools."""

from __future__ import annotations

import os

# Before anything imports torch: tests run side by side, one thread each.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ["HF_HUB_OFFLINE"] = "1"
for name in ("NO_COLOR", "TUNER_SESSIONS", "TUNER_TRAINER", "COLUMNS", "LINES"):
    os.environ.pop(name, None)
