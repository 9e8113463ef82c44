"""A frame developed on the GPU, from counts to pixels, while others come and go.

Whatever goes wrong that smaller tiles or single precision may mend is left to the ordinary way:
`developed` then returns None.
"""

from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from darkroom.errors import FileProblem
from darkroom.inference.cuda_engine import CudaEngine
from darkroom.inference.develop import Facts, Layout, develop, numbers_of, tone_of, upright
from darkroom.inference.guarded import OUT_OF_MEMORY, Done
from darkroom.inference.tiling import Grid, Span
from darkroom.inference.torch_engine import on_device
from darkroom.inference.transfers import Arriving, Leaving

Counts = npt.NDArray[np.uint16]
Pixels = npt.NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class Developed(Done):
    """A frame whose pixels are on their way from the GPU.

    Attributes:
        leaving: the pixels.
        flat: how they are flat, as `picture.render.flatness` says it; "" if they are not.
    """

    leaving: Leaving = field(kw_only=True)
    flat: str = field(kw_only=True)

    def pixels(self) -> Pixels:
        """Wait for the pixels, (H, W, 3) upright; any thread may.

        Raises:
            EnvironmentProblem: the GPU stopped working.
        """
        return on_device(self.leaving.array).view(np.uint16)


def uploaded(engine: CudaEngine, counts: Counts) -> Arriving | None:
    """Start to copy counts (H, W) to the GPU; any thread may. None if there is no room for them.

    Raises:
        EnvironmentProblem: the GPU stopped working.
    """
    try:
        return on_device(partial(engine.transfers.upload, counts.view(np.int16)))
    except FileProblem:  # of memory
        return None


def developed(
    engine: CudaEngine, counts: Counts, facts: Facts, arriving: Arriving | None = None
) -> Developed | None:
    """Develop a frame and start to copy its pixels back; None where the ordinary way must do it.

    That is where memory ran out, where the network made values that are no numbers, and where it
    made the same value everywhere.

    Args:
        engine: runs the network.
        counts: (H, W), the frame's.
        facts: what else is known of it.
        arriving: the counts, where their copy was started before.

    Raises:
        EnvironmentProblem: the GPU stopped working.
    """
    if counts.size in engine.too_large:
        return None
    arriving = arriving or uploaded(engine, counts)
    if arriving is None:
        return None
    try:
        return on_device(partial(_launched, engine, arriving, facts))
    except FileProblem as problem:
        if problem.code not in OUT_OF_MEMORY:
            raise
    engine.too_large.add(counts.size)  # outside the handler, which keeps the frame's memory alive
    engine.forget()
    return None


def _launched(engine: CudaEngine, arriving: Arriving, facts: Facts) -> Developed | None:
    """Start all the work on a frame, and wait until it is known that it is good."""
    told = engine.transfers.upload(numbers_of(facts), tone_of(facts))
    work = partial(develop, layout=facts.layout, predict=engine.predict)
    with engine.computing():
        tensors = (*arriving.here(), *told.here())
        levels, checks = engine.graphs((facts.layout, engine.precision), work, tensors)
        judged = engine.transfers.download(checks.clone())
        pixels = engine.transfers.download(upright(levels, facts.orientation))
    is_finite, is_even, is_flat, is_black = judged.array().tolist()
    if is_even or not is_finite:
        return None
    flat = ("entirely black" if is_black else "one single colour") if is_flat else ""
    return Developed(whole(facts.layout), leaving=pixels, flat=flat)


def whole(layout: Layout) -> Grid:
    """Return the grid of a frame in one piece."""
    rows, columns = (-(-side // 2) for side in layout.shape)
    return Grid((Span(0, rows, 0, rows),), (Span(0, columns, 0, columns),))
