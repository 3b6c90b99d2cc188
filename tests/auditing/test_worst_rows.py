"""The table of the worst rows against a sorted list of everything that went through it."""

import numpy as np
import pytest

from supnorm.auditing.worst_rows import ROWS, WorstRows, cells


@pytest.mark.parametrize("d", [1, 2, 4, 12])
def test_the_worst_row_of_each_cell_is_kept(d: int) -> None:
    rng = np.random.default_rng(d)
    worst = WorstRows(d)
    places, errors = [], []
    for _ in range(12):
        u, score = rng.random((4096, d)), rng.random(4096)
        worst.add(u, score, np.arange(4096), [u, score[:, None]])
        places.append(u)
        errors.append(score)
    u, score = np.concatenate(places), np.concatenate(errors)
    kept, kept_score = worst.rows()
    assert kept_score[0, 0] == score.max()
    assert np.all(np.diff(kept_score[:, 0]) <= 0)
    assert len(kept) <= ROWS
    # Every kept row is the worst of its cell, and no two share one.
    along = max(4, round((2 * ROWS) ** (1 / d)))
    name = [tuple(cell) for cell in cells(u, along).T]
    top: dict[tuple[int, ...], float] = {}
    for cell, value in zip(name, score, strict=True):
        top[cell] = max(top.get(cell, 0.0), value)
    mine = [tuple(cell) for cell in cells(kept, along).T]
    assert len(set(mine)) == len(mine)
    assert [top[cell] for cell in mine] == kept_score[:, 0].tolist()
    # Of the worst cells few are missing: where there are more cells than slots, two may share one.
    wanted = sorted(top.values(), reverse=True)[: len(kept)]
    assert len(set(wanted) & set(kept_score[:, 0])) >= 0.97 * len(wanted)


def test_rows_that_come_later_with_smaller_errors_are_not_kept() -> None:
    worst = WorstRows(1)
    u = np.full((3, 1), 0.5)
    worst.add(u, np.array([1.0, 2.0, 1.5]), np.arange(3), [u])
    worst.add(u, np.array([0.5, 2.0, 1.9]), np.arange(3), [u + 1])
    assert worst.rows()[0].tolist() == [[0.5]]


def test_the_rows_argument_says_which_rows_are_meant() -> None:
    worst = WorstRows(1)
    u = np.array([[0.1], [0.9]])
    worst.add(u, np.array([1.0, 2.0]), np.array([1, 3]), [np.arange(4)[:, None]])
    assert worst.rows()[0].ravel().tolist() == [3, 1]
