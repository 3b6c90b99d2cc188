"""Fields on grids: predictions against truth at every grid point, and time-steppers side by side with a reference."""

from supnorm.fields.audit import audit_fields
from supnorm.fields.grid import Grid
from supnorm.fields.pairing import PairingOptions
from supnorm.fields.report import FieldReport
from supnorm.fields.rollout import RolloutResult, audit_rollout
from supnorm.fields.rollout_problem import initial_ball, rollout_problem
from supnorm.fields.rollout_settings import RolloutSettings, Stepped
from supnorm.fields.settings import EventOptions
from supnorm.fields.sizes import FieldPoint
from supnorm.fields.state import FieldState

__all__ = [
    "EventOptions",
    "FieldPoint",
    "FieldReport",
    "FieldState",
    "Grid",
    "PairingOptions",
    "RolloutResult",
    "RolloutSettings",
    "Stepped",
    "audit_fields",
    "audit_rollout",
    "initial_ball",
    "rollout_problem",
]
