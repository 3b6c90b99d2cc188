"""Judges published sentences about accuracy: refuted by two references, not refuted by a search, or proved."""

from supnorm.claims.claim import Claim, ClaimResult
from supnorm.claims.ledger import entries, ledger_record

__all__ = ["Claim", "ClaimResult", "entries", "ledger_record"]
