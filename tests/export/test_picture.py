from __future__ import annotations

import numpy as np
import pytest

from qnerf_core.export.picture import Row, compose, spread


def test_rows_lie_under_their_captions() -> None:
    red, blue = (np.full((40, 20, 3), colour, dtype=np.uint8) for colour in ((255, 0, 0), (0, 0, 255)))
    picture = compose([Row("source", [red, red]), Row("empty", []), Row("edited", [blue, blue])], cell=20)
    assert picture.dtype == np.uint8
    is_red = (picture == (255, 0, 0)).all(axis=-1)
    is_blue = (picture == (0, 0, 255)).all(axis=-1)
    assert is_red.sum() == is_blue.sum() == 2 * 20 * 10
    assert np.nonzero(is_red)[0].max() < np.nonzero(is_blue)[0].min()
    between = picture[np.nonzero(is_red)[0].max() + 1 : np.nonzero(is_blue)[0].min()]
    assert (between < 100).all(axis=-1).any()  # the second caption's ink
    with pytest.raises(ValueError, match="at least one row"):
        compose([Row("nothing", [])])


def test_spread_is_even_and_starts_with_the_first() -> None:
    assert spread(24, 8) == [0, 3, 6, 9, 12, 15, 18, 21]
    assert spread(3, 8) == [0, 1, 2]
