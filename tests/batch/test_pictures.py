from pathlib import Path

import numpy as np
import pytest

from darkroom.batch.pictures import WRITERS, compression_params, doubts_about, publish_picture
from darkroom.batch.plan import single_job
from darkroom.errors import FailureCode, FileProblem
from darkroom.picture.load import load_picture
from darkroom.picture.metadata import PictureMetadata
from darkroom.publish import Published

READABLE = [("tiff", "none"), ("tiff", "deflate"), ("png", "deflate")]  # here, too
PIXELS = np.arange(4 * 5 * 3, dtype=np.uint16).reshape(4, 5, 3) * 1000


def test_flat_pictures_are_refused_unless_they_are_wanted() -> None:
    assert doubts_about("it", "", advice="look", allow_suspect=False) == ()
    with pytest.raises(FileProblem) as caught:
        doubts_about("the picture", "black", advice="look", allow_suspect=False)
    assert (caught.value.code, caught.value.what) == (FailureCode.BLACK, "the picture is black")
    wanted = doubts_about("the picture", "black", advice="look", allow_suspect=True)
    assert wanted == ("the picture is black",)


@pytest.mark.parametrize(("kind", "compression"), READABLE)
def test_a_picture_is_noted_before_it_gets_its_name(
    kind: str, compression: str, tmp_path: Path
) -> None:
    job = single_job(tmp_path / "a.dng", tmp_path / "a.out")
    noted: list[bool] = []

    def intend(job_: object, seen: object, published: Published) -> None:
        assert (job_, seen) == (job, None)
        assert published.size > 0
        noted.append(job.target.exists())

    publish_picture(
        job,
        None,
        PIXELS,
        PictureMetadata(),
        kind=kind,
        compression=compression,
        overwrite=False,
        intend=intend,
    )
    assert noted == [False]
    assert np.array_equal(np.rint(load_picture(job.target) * 65535), PIXELS)


def test_only_an_unusual_compression_makes_another_run() -> None:
    digests = [str(compression_params(name)) for name in WRITERS["tiff"]]
    assert len(set(digests)) == len(digests)
    assert compression_params("deflate") == {}


def test_an_existing_picture_is_kept(tmp_path: Path) -> None:
    job = single_job(tmp_path / "a.dng", tmp_path / "a.out")
    job.target.write_bytes(b"mine")
    with pytest.raises(FileProblem):
        publish_picture(
            job, None, PIXELS, PictureMetadata(), kind="png", overwrite=False, intend=None
        )
    assert job.target.read_bytes() == b"mine"
