"""tuner finds the best settings, a rate per layer group among them, to fine-tune a transformer."""

__version__ = "0.1.0"
