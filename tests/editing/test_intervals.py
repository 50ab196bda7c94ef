from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnerf_core.editing.intervals import Interval, plan_intervals

NONE = range(0)


def table(plan: tuple[Interval, ...]) -> list[tuple[list[int], list[int], list[int]]]:
    return [(list(part.kept), list(part.guided), list(part.look_ahead)) for part in plan]


def test_the_plan_of_the_paper_written_out_by_hand() -> None:
    """10 steps, tau 2, guidance up to step 8: kept, guided among them, looked ahead and thrown away."""
    assert table(plan_intervals(10, 2, 8)) == [
        ([0, 1], [], [2, 3]),
        ([2, 3], [2, 3], [4, 5]),
        ([4, 5], [4, 5], [6, 7]),
        ([6, 7], [6, 7], []),
        ([8, 9], [], []),
    ]


def test_the_last_guided_step_is_the_one_whose_queries_were_recorded() -> None:
    plan = plan_intervals(20, 4, 16)
    for earlier, later in itertools.pairwise(plan):
        if earlier.look_ahead:
            assert earlier.record_step == later.guided[-1]
            assert later.start == earlier.stop, "the next interval starts from the cached latents"
    assert [part.record_step for part in plan] == [7, 11, 15, None, None]


def test_numbers_of_fits_are_those_of_the_method_card() -> None:
    assert sum(bool(part.look_ahead) for part in plan_intervals(50, 5, 50)) == 9
    assert sum(bool(part.look_ahead) for part in plan_intervals(50, 5, 40)) == 7


def test_an_old_field_guides_on_up_to_a_stop_that_is_not_on_the_grid() -> None:
    assert table(plan_intervals(8, 3, 7)) == [([0, 1, 2], [], [3, 4, 5]), ([3, 4, 5], [3, 4, 5], []), ([6, 7], [6], [])]


def test_independent_views_keep_their_steps_only() -> None:
    assert table(plan_intervals(5, 2, 4, consolidate=False)) == [([0, 1], [], []), ([2, 3], [], []), ([4], [], [])]


def test_not_progressive_looks_ahead_once_over_all_that_will_be_guided() -> None:
    assert table(plan_intervals(6, 2, 5, progressive=False)) == [
        ([], [], [0, 1, 2, 3, 4]),
        ([0, 1], [0, 1], []),
        ([2, 3], [2, 3], []),
        ([4, 5], [4], []),
    ]


def test_without_room_for_guidance_there_is_no_fit() -> None:
    for progressive in (True, False):
        plan = plan_intervals(4, 2, 0, progressive=progressive)
        assert not any(part.guided or part.look_ahead for part in plan)


@given(st.integers(1, 60), st.integers(1, 12), st.integers(0, 10), st.booleans(), st.booleans())
def test_every_step_is_kept_once_and_guided_only_after_a_fit(
    steps: int, tau: int, tenths: int, consolidate: bool, progressive: bool
) -> None:
    stop = round(tenths * steps / 10)
    plan = plan_intervals(steps, tau, stop, consolidate=consolidate, progressive=progressive)
    assert [step for part in plan for step in part.kept] == list(range(steps))
    assert [part.index for part in plan] == list(range(len(plan)))
    fitted = False
    for part in plan:
        assert fitted or not part.guided
        assert set(part.guided) <= set(part.kept)
        assert all(step < stop for step in [*part.guided, *part.look_ahead])
        fitted = fitted or bool(part.look_ahead)
    if not consolidate:
        assert not fitted


@pytest.mark.parametrize(("steps", "tau", "stop"), [(0, 1, 0), (4, 0, 2), (4, 1, 5), (4, 1, -1)])
def test_numbers_out_of_range_are_refused(steps: int, tau: int, stop: int) -> None:
    with pytest.raises(ValueError, match="make no plan"):
        plan_intervals(steps, tau, stop)
