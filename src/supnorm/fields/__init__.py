"""Fields on grids and time-steppers: a model and a reference stepped side by side, and where they part."""

from supnorm.fields.rollout import RolloutResult, audit_rollout
from supnorm.fields.rollout_problem import initial_ball, rollout_problem
from supnorm.fields.rollout_settings import RolloutSettings, Stepped

__all__ = ["RolloutResult", "RolloutSettings", "Stepped", "audit_rollout", "initial_ball", "rollout_problem"]
