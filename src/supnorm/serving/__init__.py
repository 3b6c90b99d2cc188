"""Serves a guarded model over HTTP: predictions, the guard's view of inputs, health, metrics, shadow checks."""

from supnorm.serving.service import Limits, Service

__all__ = ["Limits", "Service"]
