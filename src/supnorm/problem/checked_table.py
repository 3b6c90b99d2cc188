"""The base of the tables of a problem file."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    """A table of the file; it refuses unknown keys and does not convert text to numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
