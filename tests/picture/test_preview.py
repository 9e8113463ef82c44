import cv2
import numpy as np
import pytest

from darkroom.picture.drawing import Pixels, false_colours
from darkroom.picture.preview import jpeg_bytes, levels_preview, map_preview, png_bytes, preview_of


def scene(rows: int = 30, columns: int = 40) -> np.ndarray:
    return np.random.default_rng(0).random((rows, columns, 3), np.float32)


def decoded(content: bytes) -> Pixels:
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


@pytest.mark.parametrize(("longest", "size"), [(20, (15, 20)), (40, (30, 40)), (900, (30, 40))])
def test_previews_are_shrunk_but_never_enlarged(longest: int, size: tuple[int, int]) -> None:
    assert preview_of(scene(), longest).shape == (*size, 3)
    assert map_preview(scene()[..., 0], longest).shape == (*size, 3)


def test_a_long_thin_picture_keeps_a_row() -> None:
    assert preview_of(scene(1, 3000), 100).shape == (1, 100, 3)


def test_the_mean_stays() -> None:
    assert preview_of(scene(), 10).mean() / 255 == pytest.approx(scene().mean(), abs=0.01)


def test_depth_makes_no_difference() -> None:
    levels = np.rint(scene() * 65535).astype(np.uint16)
    assert np.abs(levels_preview(levels, 20).astype(int) - preview_of(scene(), 20)).max() <= 1


def test_the_map_ends_at_fifty() -> None:
    differences = np.array([[0, 50, 500]], np.float32)
    assert (map_preview(differences) == false_colours([[0, 1, 1]])).all()


def test_a_png_holds_the_very_pixels() -> None:
    pixels = preview_of(scene())
    content = png_bytes(pixels)
    assert content.startswith(b"\x89PNG")
    assert (decoded(content) == pixels).all()
    assert png_bytes(pixels) == content


def test_a_jpeg_holds_the_colours() -> None:
    pixels = np.full((32, 32, 3), (200, 100, 30), np.uint8)
    content = jpeg_bytes(pixels)
    assert content.startswith(b"\xff\xd8\xff")
    assert np.abs(decoded(content).astype(int) - pixels).max() <= 3
