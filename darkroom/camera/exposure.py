"""The ratio: by how much a dark frame is amplified, given, measured or matched to a reference."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from darkroom.camera.bayer import red_offset
from darkroom.camera.raw import Exposure, RawImage
from darkroom.errors import FailureCode, FileProblem, UsageProblem

MAX_RATIO = 300.0  # SID's limit, and the largest the networks were trained for
ABSURD = 10_000.0
MID_GREY = 0.18  # linear, where white is 1
MIDDLE, HIGHLIGHT = 50.0, 99.5  # percentiles
HIGHLIGHT_TARGET = 1.25  # a little clipping in the brightest half percent is wanted
BLOCK = 16  # pixels of a plane: averages 512 greens, dividing the noise by 23

Kind = Literal["number", "auto", "ev", "match"]


@dataclass(frozen=True)
class RatioSpec:
    """What the user asked for.

    Attributes:
        kind: number, auto, ev or match.
        value: the number, or the steps of ev; 0 for the others.
        reference: the file to match, None for the others.
    """

    kind: Kind
    value: float = 0.0
    reference: Path | None = None


@dataclass(frozen=True)
class RatioChoice:
    """The ratio of one frame, the reason in words with its numbers, and warnings."""

    ratio: float
    reason: str
    warnings: tuple[str, ...] = ()


def parse_ratio(text: str) -> RatioSpec:
    """Read a ratio from the command line: 100, auto, ev:+3 or match:REF.ARW.

    >>> parse_ratio("ev:+3")
    RatioSpec(kind='ev', value=3.0, reference=None)

    Raises:
        UsageProblem: anything else, and ratios below 1/10000 or above 10000.
    """
    word, colon, rest = text.strip().partition(":")
    kind = word.lower()
    if kind == "auto" and not colon:
        return RatioSpec("auto")
    if kind == "match" and colon:
        if not rest:
            raise UsageProblem("ratio match: needs a file to match, as in match:REF.ARW")
        return RatioSpec("match", reference=Path(rest))
    if kind == "ev" and colon:
        steps = finite_number(rest, text)
        check_ratio(2.0 ** max(-50.0, min(steps, 50.0)), text)
        return RatioSpec("ev", steps)
    ratio = finite_number(text, text)
    check_ratio(ratio, text)
    return RatioSpec("number", ratio)


def finite_number(text: str, argument: str) -> float:
    """Return a finite number or explain what a ratio looks like."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageProblem(
            f"ratio {argument!r} is not understood; use a number such as 100, "
            "auto, ev:+3 or match:REF.ARW"
        )
    return number


def check_ratio(ratio: float, argument: str) -> None:
    """Refuse ratios that cannot be meant."""
    if ratio <= 0:
        raise UsageProblem(f"ratio {argument} must be above 0; 100 means 100 times brighter")
    if not 1 / ABSURD <= ratio <= ABSURD:
        raise UsageProblem(f"ratio {argument} is outside 1/{ABSURD:.0f} to {ABSURD:.0f}")


def choose_ratio(spec: RatioSpec, raw: RawImage, reference: RawImage | None) -> RatioChoice:
    """Return the ratio for one frame.

    Args:
        spec: what the user asked for.
        raw: the frame.
        reference: the decoded reference, for "match" only.

    Raises:
        FileProblem: "match", and the frame does not say how it was exposed.
        UsageProblem: "match", and the reference does not say so or is missing.
    """
    if spec.kind == "auto":
        return automatic_ratio(raw)
    if spec.kind == "match":
        return matched_ratio(raw, reference)
    if spec.kind == "ev":
        ratio = 2.0**spec.value
        return RatioChoice(ratio, f"{spec.value:+g} EV = {ratio:.4g}", high_warning(ratio))
    return RatioChoice(spec.value, f"given as {spec.value:g}", high_warning(spec.value))


def high_warning(ratio: float) -> tuple[str, ...]:
    """Warn above the range the networks know."""
    if ratio <= MAX_RATIO:
        return ()
    return (f"ratio {ratio:.4g} is above {MAX_RATIO:.0f}, the most the networks were made for",)


def automatic_ratio(raw: RawImage) -> RatioChoice:
    """Choose the ratio that brings the middle of the picture to mid-grey and spares highlights.

    Means over blocks are used: in frames darker than their noise single pixels say nothing.
    """
    brightness = green_blocks(raw)
    middle, highlight = (float(np.percentile(brightness, at)) for at in (MIDDLE, HIGHLIGHT))
    for_middle = MID_GREY / middle if middle > 0 else math.inf
    for_highlight = HIGHLIGHT_TARGET / highlight if highlight > 0 else math.inf
    wanted = min(for_middle, for_highlight)
    ratio = float(f"{min(max(wanted, 1.0), MAX_RATIO):.3g}")
    if wanted > MAX_RATIO:
        why = "is the limit"
    elif wanted < 1:
        why = "because the frame is bright enough"
    elif for_highlight < for_middle:
        why = f"brings the highlights to {HIGHLIGHT_TARGET:g}"
    else:
        why = f"brings the middle to {MID_GREY:g}"
    measured = f"middle of the greens {middle:.3g}, highlights {highlight:.3g} of white"
    unlit = ("the frame holds no light above black: the ratio is a guess",) if middle <= 0 else ()
    return RatioChoice(ratio, f"auto: {measured}; ratio {ratio:g} {why}", unlit)


def green_blocks(raw: RawImage) -> npt.NDArray[np.float64]:
    """Return the mean of both greens above black, white at 1, in blocks of 32 x 32 pixels."""
    red_row, red_column = red_offset(raw.phase)
    means = []
    for row, column in ((red_row, 1 - red_column), (1 - red_row, red_column)):
        black = raw.black[2 * row + column]
        counts = block_means(raw.mosaic[row::2, column::2])
        means.append((counts - black) / (raw.white - black))
    rows, columns = (min(mean.shape[axis] for mean in means) for axis in (0, 1))
    return np.asarray((means[0][:rows, :columns] + means[1][:rows, :columns]) / 2)


def block_means(plane: npt.NDArray[np.uint16]) -> npt.NDArray[np.float64]:
    """Average blocks of a plane: (h, w) -> (h/16, w/16); small planes become one block."""
    height, width = (min(BLOCK, side) for side in plane.shape)
    rows, columns = plane.shape[0] // height, plane.shape[1] // width
    whole = plane[: rows * height, : columns * width]
    blocks = whole.reshape(rows, height, columns, width)
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float64))


def matched_ratio(raw: RawImage, reference: RawImage | None) -> RatioChoice:
    """Return exposure(reference) / exposure(frame), at most 300 (Chen et al. 2018)."""
    if reference is None or reference.exposure.light is None:
        raise UsageProblem(
            "the reference of ratio match: does not say its shutter and ISO; give a number instead"
        )
    if raw.exposure.light is None:
        raise FileProblem(
            FailureCode.METADATA,
            "ratio match: needs the shutter and ISO, which the file does not say",
            "give a number or use --ratio auto",
        )
    wanted, warnings = light_ratio(reference.exposure, raw.exposure)
    ratio = min(wanted, MAX_RATIO)
    reason = f"match: {described(reference.exposure)} over {described(raw.exposure)} = {wanted:.4g}"
    if ratio < wanted:
        reason += f", limited to {MAX_RATIO:.0f}"
    if ratio < 1:
        warnings += ("the reference got less light than this frame",)
    return RatioChoice(ratio, reason, warnings)


def light_ratio(above: Exposure, below: Exposure) -> tuple[float, tuple[str, ...]]:
    """Return the quotient of two exposures; the aperture counts only where both state it."""
    warnings: tuple[str, ...] = ()
    if bool(above.aperture) != bool(below.aperture):
        above, below = Exposure(above.seconds, above.iso), Exposure(below.seconds, below.iso)
        warnings = ("only one of the two files states its aperture: it is left out",)
    return (above.light or 0.0) / (below.light or 1.0), warnings


def described(exposure: Exposure) -> str:
    """Return an exposure in a photographer's words.

    >>> described(Exposure(1 / 30, 1600, 2.8))
    '1/30 s ISO 1600 f/2.8'
    """
    seconds = exposure.seconds or 0.0
    shutter = f"1/{1 / seconds:.0f} s" if 0 < seconds < 0.3 else f"{seconds:g} s"
    aperture = f" f/{exposure.aperture:.3g}" if exposure.aperture else ""
    return f"{shutter} ISO {exposure.iso:g}{aperture}"
