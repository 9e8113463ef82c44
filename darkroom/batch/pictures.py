"""Finished pictures of a batch: refused if they show nothing, else published under their job."""

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt

from darkroom.batch.ledger import Intend
from darkroom.batch.outcome import Seen
from darkroom.batch.plan import Job
from darkroom.errors import FailureCode, FileProblem
from darkroom.picture.metadata import PictureMetadata
from darkroom.picture.png import write_png
from darkroom.picture.tiff import COMPRESSIONS, write_tiff
from darkroom.publish import Published, publish

USUAL = "deflate"
# Kind -> compression -> what writes it.
WRITERS: dict[str, dict[str, Callable[..., None]]] = {
    "tiff": {name: partial(write_tiff, compression=name) for name in COMPRESSIONS},
    "png": {"deflate": write_png},
}


def doubts_about(what: str, flat: str, *, advice: str, allow_suspect: bool) -> tuple[str, ...]:
    """Refuse a picture that is flat, or say so where suspect ones are wanted.

    Args:
        what: names the picture.
        flat: how it is flat, as `picture.render.flatness` says it; "" if it is not.
        advice: what to do about it.
        allow_suspect: whether it is wanted all the same.

    Raises:
        FileProblem: BLACK.
    """
    if not flat:
        return ()
    if not allow_suspect:
        raise FileProblem(FailureCode.BLACK, f"{what} is {flat}", advice)
    return (f"{what} is {flat}",)


def compression_params(compression: str) -> dict[str, object]:
    """Return what the parameters of a run say of the compression: nothing of the usual one.

    So what older versions wrote counts as done.
    """
    return {} if compression == USUAL else {"compression": compression}


def publish_picture(
    job: Job,
    seen: Seen | None,
    pixels: npt.NDArray[np.uint16],
    metadata: PictureMetadata,
    *,
    kind: str,
    compression: str = USUAL,
    overwrite: bool,
    intend: Intend | None,
) -> Published:
    """Publish the pixels (H, W, 3) of a job, made of the version of the input that was seen.

    Args:
        job: names the target.
        seen: the input, as it was looked at before it was read.
        pixels: what is written.
        metadata: what is written about it.
        kind: name in `WRITERS`.
        compression: name in `WRITERS[kind]`.
        overwrite: replace the target if it exists.
        intend: notes the picture before it gets its name.

    Raises:
        FileProblem: it cannot be written.
    """
    return publish(
        job.target,
        partial(WRITERS[kind][compression], pixels=pixels, metadata=metadata),
        overwrite=overwrite,
        before_naming=intend and partial(intend, job, seen),
    )
