from dataclasses import dataclass

import numpy as np
import pytest

from darkroom.camera.bayer import pack
from darkroom.inference.guarded import Ladder, TileRules
from darkroom.inference.views import VIEWS, root, run_views, told, turned, turned_back

RULES = TileRules(halo=16, multiple_of=16, tile=0)
NOISE = np.arange(8, dtype=np.float32)


def mosaic(seed: int = 0, shape: tuple[int, int] = (12, 20)) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 1, shape).astype(np.float32)


def as_picture(planes: np.ndarray) -> np.ndarray:
    """Lay planes out as the mosaic they are, three times."""
    rows, columns = planes.shape[1:]
    picture = np.zeros((2 * rows, 2 * columns), np.float32)
    for plane, (row, column) in zip(planes, ((0, 0), (0, 1), (1, 1), (1, 0)), strict=True):
        picture[row::2, column::2] = plane
    return np.stack([picture] * 3)


@dataclass
class Mosaicking:
    """Stands in for an engine: gives back what it sees, plus what it is told."""

    precision: str = "fp32"
    bias: float = 0.0

    def run(self, planes: np.ndarray, noise: np.ndarray, *, lasting: bool = True) -> np.ndarray:
        return as_picture(planes) + np.float32(self.bias)


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_turns_back_to_the_frame(view) -> None:
    frame = mosaic()
    seen = turned(pack(frame), view)
    assert np.array_equal(turned_back(as_picture(seen), view)[0], frame)


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_keeps_the_colours_in_their_planes(view) -> None:
    planes = np.ones((4, 6, 10), np.float32) * np.array([1, 2, 3, 4], np.float32)[:, None, None]
    seen = turned(planes, view)
    greens = (4, 2) if view.transposed else (2, 4)
    assert [np.unique(plane).tolist() for plane in seen] == [[1], [greens[0]], [3], [greens[1]]]
    assert told(np.array([1, 2, 3, 4] * 2, np.float32), view)[[1, 3]].tolist() == list(greens)


def test_views_all_differ() -> None:
    planes = pack(mosaic(shape=(12, 12)))
    assert len({turned(planes, view).tobytes() for view in VIEWS}) == len(VIEWS) == 8


@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_the_average_of_what_all_views_agree_on_is_that(count: int) -> None:
    planes = pack(mosaic())
    engine = Mosaicking()
    computed = run_views(engine, planes, NOISE, RULES, Ladder(), count=count)
    assert np.allclose(computed.picture, as_picture(planes), atol=1e-6)


def test_below_black_stays_below_black() -> None:
    assert root(np.float32([-0.25, 0.25])).tolist() == [-0.5, 0.5]
    computed = run_views(
        Mosaicking(bias=-0.5), np.zeros((4, 8, 8), np.float32), NOISE, RULES, Ladder(), count=4
    )
    assert np.allclose(computed.picture, -0.5)
