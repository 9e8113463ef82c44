"""Predicted against true values: a density for each of the channels R, G, B."""

import cv2
import numpy as np
import numpy.typing as npt

from darkroom.picture.drawing import (
    FAINT,
    INK,
    LETTER,
    PAPER,
    Pixels,
    blank,
    captioned,
    false_colours,
    side_by_side,
    write_text,
)

Srgb = npt.NDArray[np.float32]  # (H, W, 3) in [0, 1]
Counts = npt.NDArray[np.int64]  # (3, 256, 256): channel, predicted level, true level

LEVELS = 256
EDGE = 2  # pixels of the plot for a level, each way
LEFT, RIGHT, BELOW = 36, 12, 40  # room for the axes
TICKS = (0, 64, 128, 192, 255)
CHANNELS = ("red", "green", "blue")


def joint_counts(truth: Srgb, result: Srgb) -> Counts:
    """Count how often each level of the truth became each level: (H, W, 3) twice -> (3, 256, 256).

    Levels are those of 8 bits, whatever the depth of the files was.
    """
    predicted, true = (
        np.rint(np.clip(srgb, 0, 1) * (LEVELS - 1)).astype(np.int64).reshape(-1, 3).T
        for srgb in (result, truth)
    )
    places = predicted * LEVELS + true
    counted = [np.bincount(channel, minlength=LEVELS**2) for channel in places]
    return np.stack(counted).reshape(3, LEVELS, LEVELS)


def draw_scatter(counts: Counts, title: str) -> Pixels:
    """Draw the densities beside each other, true values to the right, predicted ones upward.

    The colour is the logarithm of the count, from none, which stays paper, to the largest of the
    channel. The grey line is where both values are equal.
    """
    names = [f"{title}: {CHANNELS[0]}", *CHANNELS[1:]]
    panels = [captioned(_panel(c), name) for c, name in zip(counts, names, strict=True)]
    return side_by_side(panels)


def density(counts: Counts) -> Pixels:
    """Colour the counts (256, 256) of one channel, the largest prediction in the first row."""
    upward = counts[::-1]
    shares = np.log1p(upward) / np.log1p(max(int(upward.max()), 1))
    colours = np.where(upward[..., None] > 0, false_colours(1 - shares), np.uint8(PAPER))
    on_line = np.eye(LEVELS, dtype=bool)[::-1] & (upward == 0)
    colours[on_line] = FAINT
    return colours


def _panel(counts: Counts) -> Pixels:
    """Draw the plot of one channel with its axes."""
    side = LEVELS * EDGE
    plot = density(counts).repeat(EDGE, axis=0).repeat(EDGE, axis=1)
    panel = blank(side + BELOW, LEFT + side + RIGHT)
    panel[:side, LEFT : LEFT + side] = plot
    ink = (INK, INK, INK)
    cv2.rectangle(panel, (LEFT - 1, 0), (LEFT + side - 1, side), ink)
    for tick in TICKS:
        at, text = tick * EDGE, str(tick)
        width = LETTER * len(text)
        write_text(panel, text, row=side + 14, column=LEFT + at - width // 2)
        write_text(panel, text, row=max(side - at + 4, 10), column=LEFT - 4 - width)
    write_text(panel, "across: true, upward: predicted", row=side + 32, column=LEFT)
    return panel
