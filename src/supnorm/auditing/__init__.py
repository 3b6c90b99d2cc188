"""Search for the worst error, statistics, and the report."""

from supnorm.auditing.audit import audit
from supnorm.auditing.pictures import Pictures
from supnorm.auditing.report import AuditReport, load_report
from supnorm.auditing.search import ScreenAndAscent

__all__ = ["AuditReport", "Pictures", "ScreenAndAscent", "audit", "load_report"]
