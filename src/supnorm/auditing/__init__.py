"""Search for the worst error, statistics, and the report."""

from supnorm.auditing.audit import audit
from supnorm.auditing.audit_table import audit_table
from supnorm.auditing.enumeration import Enumeration
from supnorm.auditing.expensive import SurrogateSearch
from supnorm.auditing.pictures import Pictures
from supnorm.auditing.power import Power
from supnorm.auditing.report import AuditReport, load_report
from supnorm.auditing.search import ScreenAndAscent
from supnorm.auditing.statistics import NORMS

__all__ = [
    "NORMS",
    "AuditReport",
    "Enumeration",
    "Pictures",
    "Power",
    "ScreenAndAscent",
    "SurrogateSearch",
    "audit",
    "audit_table",
    "load_report",
]
