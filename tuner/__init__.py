"""tuner finds the best way to fine-tune a transformer classifier, one rate per layer group."""

__version__ = "0.1.0"
