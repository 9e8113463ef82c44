import numpy as np

from darkroom.picture.drawing import (
    CAPTION,
    GAP,
    PAPER,
    blank,
    captioned,
    false_colours,
    side_by_side,
    write_text,
)


def test_false_colours_grow_lighter_and_are_cut() -> None:
    colours = false_colours(np.linspace(0, 1, 256)[None])
    sums = colours.astype(int).sum(-1)[0]
    assert colours.shape == (1, 256, 3)
    assert (np.diff(sums) > -6).all()
    assert sums[0] < 30
    assert sums[-1] > 500
    assert len(np.unique(colours[0], axis=0)) > 200
    assert (false_colours([[-1.0, 7.0]]) == colours[:, [0, -1]]).all()
    red, _, blue = colours[0, 160].astype(int)
    assert red > blue  # the middle is orange, not the blue that swapped channels would give


def test_text_leaves_ink() -> None:
    paper = blank(20, 60)
    write_text(paper, "truth °", row=14, column=2)
    assert paper.min() < 100
    assert (paper[:, -1] == PAPER).all()


def test_a_caption_stands_above_and_leaves_the_picture_alone() -> None:
    picture = np.zeros((10, 40, 3), np.uint8)
    whole = captioned(picture, "a caption far too long for this")
    assert whole.shape == (10 + CAPTION, 40, 3)
    assert (whole[CAPTION:] == picture).all()
    assert (whole[:CAPTION] < PAPER).any()


def test_pictures_stand_side_by_side_on_paper() -> None:
    first, second = np.zeros((4, 5, 3), np.uint8), np.full((6, 2, 3), 9, np.uint8)
    sheet = side_by_side([first, second])
    assert sheet.shape == (6 + 2 * GAP, 5 + 2 + 3 * GAP, 3)
    assert (sheet[GAP : GAP + 4, GAP : GAP + 5] == 0).all()
    assert (sheet[GAP : GAP + 6, -GAP - 2 : -GAP] == 9).all()
    assert (sheet == PAPER).sum() == sheet.size - first.size - second.size
