"""A certificate beside a result whose bound is not that of the result: it was copied there, or is a looser proof.

It is not proved again here, so only the bound that it states is read.
"""

from __future__ import annotations

import math
from pathlib import Path

from supnorm.pages.statement_page import narrator
from supnorm.pages.view import View
from supnorm.results.audit import AuditRecord
from supnorm.results.certify import CertifyRecord
from supnorm.results.outward import rounded_up
from supnorm.results.printable import file_word
from supnorm.results.record import Result
from supnorm.wording import fact

CERTIFICATE = "certificate.json"


def other_certificate(record: Result, folder: Path | None) -> str:
    """What has to be said of the certificate in the folder of a result; empty for nothing."""
    if folder is None or not isinstance(record, AuditRecord | CertifyRecord):
        return ""
    path = folder / CERTIFICATE
    if not path.is_file():
        return ""
    from supnorm.certification.resume import stated_upper

    stated, sup = stated_upper(path), record.sup
    upper = None if sup.upper_kind == "none" else sup.upper
    if not stated < math.inf or (upper is not None and not rounded_up(upper, 12) < stated):
        return ""
    found = fact(
        "other-certificate", file=file_word(path), stated=stated, upper=upper, folder=file_word(folder)
    )
    say = View(record).say if isinstance(record, AuditRecord) else narrator(record)
    return say.text(found)
