from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from darkroom.batch.finished import ColorizeReport, EnhanceReport, Finished, write_finished
from darkroom.batch.outcome import Seen
from darkroom.batch.plan import Job, single_job
from darkroom.batch.stopwatch import Stopwatch
from darkroom.errors import FailureCode, FileProblem
from darkroom.picture.load import load_picture
from darkroom.picture.metadata import PictureMetadata
from darkroom.publish import Published

PIXELS = np.random.default_rng(0).integers(0, 65535, (20, 30, 3), np.uint16)


@dataclass(frozen=True)
class Saving:
    format: str = "tiff"
    compression: str = "deflate"
    overwrite: bool = False


def finished(path: Path) -> Finished[ColorizeReport]:
    clock = Stopwatch()
    with clock("network"):
        pass
    report = ColorizeReport("", "nir-unet 1", "cpu fp32", "full", clock.seconds, seen=Seen(5, 7))
    job = single_job(path.with_suffix(".png"), path)
    return Finished(job, lambda: PIXELS, PictureMetadata((), None, "darkroom"), clock, report)


def test_a_picture_is_published_and_its_report_made_whole(tmp_path: Path) -> None:
    noted: list[tuple[Job, Seen | None, Published]] = []
    picture = finished(tmp_path / "a.tif")
    report = write_finished(picture, Saving(), lambda *told: noted.append(told))
    assert report.published
    assert noted == [(picture.job, Seen(5, 7), report.published)]
    assert report.published.size == (tmp_path / "a.tif").stat().st_size
    assert set(report.seconds) == {"network", "write"}
    assert report.model == "nir-unet 1"
    assert np.array_equal(load_picture(tmp_path / "a.tif"), np.float32(PIXELS) / 65535)


def test_what_exists_is_kept_and_the_stage_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(b"theirs")
    with pytest.raises(FileProblem) as caught:
        write_finished(finished(tmp_path / "a.tif"), Saving(), None)
    assert (caught.value.code, caught.value.stage) == (FailureCode.COLLISION, "write")
    assert (tmp_path / "a.tif").read_bytes() == b"theirs"
    write_finished(finished(tmp_path / "a.tif"), Saving(overwrite=True), None)
    assert load_picture(tmp_path / "a.tif").shape == (20, 30, 3)


def test_the_format_is_chosen(tmp_path: Path) -> None:
    write_finished(finished(tmp_path / "a.png"), Saving(format="png"), None)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_records_hold_what_a_reader_of_them_looks_for() -> None:
    enhanced = EnhanceReport("A", 50.0, "asked for", "estimated", "m 1", "cpu", "full")
    assert enhanced.record() == {
        "ratio": 50.0,
        "ratio_reason": "asked for",
        "noise": "estimated",
        "camera": "A",
        "model": "m 1",
        "device": "cpu",
        "tile": "full",
        "retries": 0,
        "rss_mb": 0,
        "worker_rss_mb": 0,
        "seconds": {},
    }
    coloured = ColorizeReport("", "m 1", "cpu", "full", {"read": 0.5}, memory=5 << 20)
    assert coloured.record() == {
        "camera": None,
        "model": "m 1",
        "device": "cpu",
        "tile": "full",
        "rss_mb": 5,
        "seconds": {"read": 0.5},
    }
