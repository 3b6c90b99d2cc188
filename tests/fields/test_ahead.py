"""Pairs of fields are read ahead of the comparison: in order, one pair at most, and an error comes when its turn does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from supnorm.fields.ahead import read_ahead
from supnorm.fields.checkpoint import Checkpoints
from supnorm.fields.reading import Reader
from supnorm.fields.work import Share
from supnorm.results import BadInput


class Listed:
    """Stands in for a `Reader`: a part is a list of the pairs in it, an error among them is raised."""

    def __init__(self) -> None:
        self.read: list[Any] = []
        self.seen = threading.Condition()

    def pairs(self, part: list[Any]) -> Iterator[Any]:
        for one in part:
            with self.seen:
                self.read.append(one)
                self.seen.notify_all()
            if isinstance(one, Exception):
                raise one
            yield one


def ahead(reader: Listed, parts: list[list[Any]]) -> Any:
    return read_ahead(cast(Reader, reader), cast(Any, parts))


def test_every_part_ends_with_none() -> None:
    assert list(ahead(Listed(), [["a", "b"], [], ["c"]])) == ["a", "b", None, None, "c", None]


def test_the_next_part_is_read_while_this_one_is_compared() -> None:
    reader = Listed()
    pairs = ahead(reader, [["a"], ["b"], ["c"], ["d"]])
    assert next(pairs) == "a"
    with reader.seen:  # nobody asks for b
        assert reader.seen.wait_for(lambda: "b" in reader.read, timeout=60)
    pairs.close()
    assert reader.read == ["a", "b"]  # one pair ahead: more would need more memory


def test_an_error_comes_after_the_pairs_before_it() -> None:
    pairs = ahead(Listed(), [["a"], [BadInput("broken")], ["c"]])
    assert [next(pairs), next(pairs)] == ["a", None]
    with pytest.raises(BadInput, match="broken"):
        next(pairs)


def test_closing_ends_the_thread() -> None:
    before = threading.active_count()
    pairs = ahead(Listed(), [["a"], ["b"]])
    next(pairs)
    assert threading.active_count() == before + 1
    pairs.close()
    assert threading.active_count() == before


def test_a_part_that_was_added_by_half_is_never_stored(tmp_path: Path) -> None:
    """Another thread may be about to store all shares when the data of one cannot be read: it would count pairs twice."""
    share = Share(cast(Any, None), cast(Any, None), cast(Any, [["a", BadInput("broken")]]))
    pairs = ahead(Listed(), cast(Any, share.blocks))

    def add() -> None:
        while next(pairs) is not None:
            share.compared += 1

    with pytest.raises(BadInput, match="broken"), share.changing():
        add()
    assert share.compared == 1
    assert not share.lock.locked()
    Checkpoints(tmp_path, {}).write(0, [share])
    assert not [*tmp_path.rglob("*.npz")]
