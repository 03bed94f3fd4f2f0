"""Optuna and nothing else: storage, samplers, pruners, suggestions, generations."""

from tuner.study.pruners import RungDecision
from tuner.study.records import Outcome, Suggestion
from tuner.study.study import Study

__all__ = ["Outcome", "RungDecision", "Study", "Suggestion"]
