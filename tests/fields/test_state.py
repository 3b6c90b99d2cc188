"""States: any order of adding and merging gives the same, and events are those of a dense labelling."""

import numpy as np
import pytest
from scipy import ndimage

from supnorm.fields import FieldState, Grid
from supnorm.fields.events import find_events
from supnorm.results import BadInput

SAME = (
    "counts", "histograms", "largest_map", "when", "missing", "outside", "pair_error", "pair_key", "level_error",
    "level_key", "pair_missing", "pair_missing_key", "pair_outside", "pair_outside_key", "worst_outside",
    "worst_outside_key",
)  # fmt: skip
GRID = Grid.sphere_of(np.linspace(90, -90, 19), np.arange(0, 360, 10.0))


def data(generator):
    found = {}
    for unit in np.ndindex(3, 4, 2, 2):
        # Rounded: ties.
        p, t = (np.round(generator.normal(size=GRID.shape), 1).astype(np.float32) for _ in range(2))
        p *= 1 + unit[1]
        p[generator.random(GRID.shape) < 0.01] = np.nan
        t[generator.random(GRID.shape) < 0.01] = np.nan
        found[unit] = (p, t)
    return found


def state(fields, units):
    made = FieldState.empty(GRID, inits=3, leads=4, levels=2, members=2, bounds=(-3, 8), voxels=2000)
    for unit in units:
        made.add(*fields[unit], **dict(zip(("init", "lead", "level", "member"), unit, strict=True)))
    return made.settled()


def test_order_and_merging_change_nothing():
    generator = np.random.default_rng(0)
    fields = data(generator)
    units = list(fields)
    whole = state(fields, units)
    for _ in range(6):
        order = [units[i] for i in generator.permutation(len(units))]
        a, b = sorted(generator.choice(len(units) - 1, 2, replace=False) + 1)
        merged = state(fields, order[a:b]).merge(state(fields, order[:a])).merge(state(fields, order[b:]))
        for name in SAME:
            np.testing.assert_array_equal(getattr(whole, name), getattr(merged, name), err_msg=name)
        np.testing.assert_array_equal(whole.sums, merged.sums)
        for lead in range(4):
            np.testing.assert_array_equal(whole.keys[lead], merged.keys[lead])
            np.testing.assert_array_equal(whole.errors[lead], merged.errors[lead])


def test_the_largest_errors_are_stored_and_no_others():
    generator = np.random.default_rng(3)
    fields = data(generator)
    whole = state(fields, list(fields))
    for lead in range(4):
        every = np.concatenate([np.abs(p - t).ravel() for u, (p, t) in fields.items() if u[1] == lead])
        every = np.sort(every[np.isfinite(every)])[::-1]
        np.testing.assert_array_equal(
            np.sort(np.abs(whole.errors[lead]))[::-1].astype(np.float32), every[: whole.quota]
        )


@pytest.mark.parametrize("like", [True, False])
def test_the_largest_errors_of_large_fields_are_stored_whatever_a_sample_says(like):
    """The first threshold comes from a sample; one that misses the large errors, or sees nothing else, changes nothing."""
    generator = np.random.default_rng(4)
    grid = Grid(np.arange(256.0), np.arange(256.0))
    fields = []
    for scale in (1.0, 0.5, 2.0):
        p = generator.normal(size=grid.shape).astype(np.float32)
        if not like:
            p[::2, ::2] *= 100.0  # the sample takes every second row and column
        fields.append(scale * p)
    states = [FieldState.empty(grid, inits=3, voxels=16_000) for _ in range(2)]
    for state, order in zip(states, ((0, 1, 2), (2, 1, 0)), strict=True):
        for init in order:
            state.add(fields[init], np.zeros(grid.shape), init=init)
        state.settled()
    size = np.abs(np.stack(fields).astype(float)).ravel()
    expected = np.sort(np.argsort(-size, kind="stable")[:16_000])
    for state in states:
        np.testing.assert_array_equal(state.keys[0], expected)
        np.testing.assert_array_equal(np.abs(state.errors[0]), size[expected])


def test_the_largest_error_is_the_earliest_of_equal_ones():
    one = FieldState.empty(GRID, inits=2, leads=2)
    zero, wrong = np.zeros(GRID.shape), np.zeros(GRID.shape)
    wrong[4, 5] = wrong[7, 1] = -2.0
    for unit in ((1, 1), (0, 1), (1, 0)):
        one.add(wrong, zero, init=unit[0], lead=unit[1])
    top = one.largest()
    assert (top.init, top.lead, GRID.at(top.index), top.error) == (0, 1, (4, 5), 2.0)


def test_rms_is_weighed_by_area():
    one = FieldState.empty(GRID)
    error = np.zeros(GRID.shape)
    error[0] = 3.0  # at the pole
    one.add(error, np.zeros(GRID.shape))
    share = GRID.weights[0] / GRID.weights.sum()
    assert one.rms() == pytest.approx(3 * np.sqrt(share))


@pytest.mark.parametrize("periodic", [False, True])
def test_events_are_those_of_a_dense_labelling(periodic):
    generator = np.random.default_rng(7)
    lon = np.arange(0, 360, 6.0) if periodic else np.arange(0, 120, 2.0)
    grid = Grid.sphere_of(np.linspace(-60, 60, 60), lon)
    made, errors = FieldState.empty(grid, leads=3, levels=2), np.empty((3, 2, *grid.shape))
    for lead, level in np.ndindex(3, 2):
        errors[lead, level] = generator.normal(size=grid.shape)
        made.add(errors[lead, level], np.zeros(grid.shape), lead=lead, level=level)
    found = find_events(made, threshold=1.6, most=10**6)
    mask = np.abs(errors) >= 1.6
    structure = np.zeros((3, 3, 3, 3), int)
    structure[1, 1] = 1
    structure[0, 1, 1, 1] = structure[2, 1, 1, 1] = structure[1, 0, 1, 1] = structure[1, 2, 1, 1] = 1
    if periodic:  # twice side by side: components of the middle half, joined across the border
        labels, _ = ndimage.label(np.concatenate([mask, mask], axis=-1), structure=structure)
        first, second = labels[..., : len(lon)], labels[..., len(lon) :]
        parent = list(range(labels.max() + 1))

        def root(i):
            while parent[i] != i:
                i = parent[i]
            return i

        for a, b in zip(first[mask], second[mask], strict=True):
            parent[root(a)] = root(b)
        expected = len({root(i) for i in np.unique(labels[labels > 0])})
    else:
        expected = ndimage.label(mask, structure=structure)[1]
    assert found.points == mask.sum()
    assert len(found.events) == len(found.by_ratio) == found.count == expected
    assert sum(e.points for e in found.events) == mask.sum()


def test_an_event_crosses_the_date_line_and_lead_times_but_no_inits():
    grid = Grid.sphere_of(np.linspace(90, -90, 19), np.arange(0, 360, 10.0))
    made = FieldState.empty(grid, inits=2, leads=5)
    for init, lead in np.ndindex(2, 5):
        truth = np.zeros(grid.shape)
        wrong = truth + 0.01
        if lead in (1, 2, 3):
            wrong[9:11, -2:] += 8.0
            wrong[9:11, :1] += 8.0 + init
        made.add(wrong, truth, init=init, lead=lead)
    found = find_events(made, threshold=1.0).events
    assert [(e.points, e.leads, e.columns) for e in found] == [(18, (1, 3), (34, 0)), (18, (1, 3), (34, 0))]
    assert found[0].peak.init == 1
    assert found[0].area == pytest.approx(3 * 3 * grid.cell_areas[9:11].sum())


def test_events_by_ratio_show_what_drowns_in_late_errors():
    generator = np.random.default_rng(1)
    made = FieldState.empty(GRID, leads=2)
    for lead, scale in ((0, 0.1), (1, 10.0)):
        error = scale * generator.normal(size=GRID.shape)
        if lead == 0:
            error[3, 3] = 4.0
        made.add(error, np.zeros(GRID.shape), lead=lead)
    found = find_events(made, kappa=2.5)
    assert found.events[0].peak.lead == 1
    assert found.by_ratio[0].peak.lead == 0


def test_what_cannot_be_stored_is_said():
    made = FieldState.empty(GRID, voxels=100)
    made.add(np.where(np.arange(GRID.size).reshape(GRID.shape) % 2, 9.0, 1.0), np.zeros(GRID.shape))
    found = find_events(made, kappa=1.2)
    assert found.incomplete == (0,)
    assert len(find_events(made, kappa=1.2, most=1).events) == 1
    assert found.points == 100


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (((np.zeros((2, 2)), np.zeros(GRID.shape)), {}), "grid's shape"),
        (((np.zeros(GRID.shape, complex), np.zeros(GRID.shape)), {}), "real numbers"),
        (((np.zeros(GRID.shape), np.zeros(GRID.shape)), {"lead": 4}), "lead 4"),
        (((np.zeros(GRID.shape), np.zeros(GRID.shape)), {"init": -1}), "init -1"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, words):
    with pytest.raises(BadInput, match=words):
        FieldState.empty(GRID, leads=4).add(*arguments[0], **arguments[1])


def test_a_pair_of_fields_is_added_once():
    fields = data(np.random.default_rng(1))
    units = list(fields)
    one, other = state(fields, units[:30]), state(fields, units[29:])
    before = one.sums.copy()
    with pytest.raises(
        BadInput, match=r"^add: the state has the fields of init 0, lead 0, level 0, member 1 already"
    ):
        one.add(*fields[0, 0, 0, 1], member=1)
    with pytest.raises(
        BadInput, match=r"^merge: both states have the fields of init 1, lead 3, level 0, member 1;"
    ):
        one.merge(other)
    np.testing.assert_array_equal(one.sums, before)
    assert one.merge(state(fields, units[30:])).counts.sum() == state(fields, units).counts.sum()


def test_states_of_other_grids_are_not_merged():
    other = Grid.sphere_of(np.linspace(90, -90, 19), np.arange(0, 360, 10.0), area=False)
    with pytest.raises(BadInput, match="merge"):
        FieldState.empty(GRID).merge(FieldState.empty(other))
    with pytest.raises(BadInput, match="merge"):
        FieldState.empty(GRID).merge(FieldState.empty(GRID, leads=2))


def test_too_many_pairs_are_refused():
    with pytest.raises(BadInput, match="choose a part"):
        FieldState.empty(GRID, inits=2**20, leads=2**12)
    with pytest.raises(BadInput, match="whole number"):
        FieldState.empty(GRID, inits=0)
