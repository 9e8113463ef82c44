import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from darkroom.batch.plan import single_job
from darkroom.camera.exposure import parse_ratio
from darkroom.camera.noise import noise_level
from darkroom.camera.raw import NoiseLevel
from darkroom.enhance import Settings, enhance_file, load_enhancer
from darkroom.errors import FailureCode, FileProblem, NothingMatched
from darkroom.evaluate import (
    Method,
    Scored,
    ToldDecoder,
    evaluate_folders,
    evaluate_methods,
    pictures_in,
    scores_of,
    stem_of,
    summarise,
    worst,
)
from darkroom.measure.psnr import psnr
from darkroom.measure.ssim import ssim
from darkroom.picture.load import load_picture
from darkroom.simulate import SimulateSettings, simulate_file

SIZE = (24, 32)


def write(path: Path, picture: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture)
    return path


def scene(seed: int = 0, size: tuple[int, int] = SIZE) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return cv2.resize(rng.integers(40, 220, (4, 4, 3), np.uint8), size[::-1])


def silent(name: str, picture: Scored) -> None:
    pass


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Results and truths; the worse a result, the later its name."""
    for seed, name in enumerate("abcdefg"):
        truth = scene(seed).astype(np.uint16) * 257
        write(tmp_path / "truths" / f"{name}.png", truth)
        noise = np.random.default_rng(seed).normal(0, 300 * 2**seed, truth.shape)
        result = np.clip(truth + noise, 0, 65535).astype(np.uint16)
        write(tmp_path / "results" / f"{name}.ARW.tif", result)
    return tmp_path / "results", tmp_path / "truths"


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("x.png", "x"),
        ("x.ARW.tif", "x"),
        ("x.dng.png", "x"),
        ("x.v2.png", "x.v2"),
        ("x.arw.nef.tif", "x.arw"),
        ("sub.ARW/x.JPG", "sub.ARW/x"),
        ("X.png", "X"),
    ],
)
def test_suffix_and_raw_suffix_do_not_count(name: str, stem: str) -> None:
    assert stem_of(Path(name)) == stem


def test_pictures_are_scored_against_the_truth_of_their_name(folders: tuple[Path, Path]) -> None:
    results, truths = folders
    told: list[str] = []
    row = evaluate_folders(results, truths, lambda _, picture: told.append(picture.name)).rows[0]
    assert told == [picture.name for picture in row.pictures] == list("abcdefg")
    truth, result = load_picture(truths / "c.png"), load_picture(results / "c.ARW.tif")
    third = row.pictures[2]
    assert (third.truth, third.result) == (truths / "c.png", results / "c.ARW.tif")
    assert third.scores["psnr"] == psnr(truth, result)
    assert third.scores["ssim"] == ssim(truth, result)
    assert third.scores["mse"] == pytest.approx(10 ** (-third.scores["psnr"] / 10))
    assert 0 < third.scores["ciede2000"] < third.scores["cie76"]
    assert (row.name, row.failed) == (str(results), 0)


def test_the_worst_come_first_and_are_five(folders: tuple[Path, Path]) -> None:
    row = evaluate_folders(*folders, silent).rows[0]
    assert [picture.name for picture in worst(row.pictures)] == list("gfedc")


def test_means_lie_in_their_intervals(folders: tuple[Path, Path]) -> None:
    row = evaluate_folders(*folders, silent).rows[0]
    for metric, summary in summarise(row.pictures).items():
        assert summary.interval is not None
        low, high = summary.interval
        assert low < summary.mean < high
        assert summary.mean == pytest.approx(np.mean([p.scores[metric] for p in row.pictures]))


def test_equal_pictures_are_infinite_and_counted(folders: tuple[Path, Path]) -> None:
    results, truths = folders
    (results / "a.ARW.tif").unlink()
    write(results / "a.tif", scene(0))
    summary = summarise(evaluate_folders(results, truths, silent).rows[0].pictures)
    assert (summary["psnr"].infinite, summary["psnr"].count) == (1, 6)
    assert math.isfinite(summary["psnr"].mean)
    assert (summary["ssim"].infinite, summary["ssim"].count) == (0, 7)


def test_pictures_smaller_than_a_window_miss_that_score_only() -> None:
    truth = np.full((10, 20, 3), 0.5, np.float32)
    scores = scores_of(truth, truth + np.float32(0.1))
    assert math.isnan(scores["ssim"])
    assert scores["psnr"] == pytest.approx(20, abs=1e-4)
    assert summarise([Scored("a", Path("a"), scores=scores)])["ssim"].missing == 1


def test_another_size_is_a_failure_of_that_picture(folders: tuple[Path, Path]) -> None:
    results, truths = folders
    write(results / "b.ARW.tif", scene(1)[:-2])
    write(results / "c.ARW.tif", scene(2)).write_bytes(b"II*\0 and no more")
    row = evaluate_folders(results, truths, silent).rows[0]
    assert (row.failed, len(row.pictures)) == (2, 7)
    assert "32 x 22 pixels, its truth 32 x 24" in row.pictures[1].problem
    assert "E_CORRUPT" in row.pictures[2].problem
    assert not row.pictures[1].scores
    assert summarise(row.pictures)["psnr"].count == 5


def test_two_files_of_one_name_are_not_chosen_from(folders: tuple[Path, Path]) -> None:
    results, truths = folders
    write(results / "d.png", scene(3))
    write(truths / "e.jpg", scene(4))
    row = evaluate_folders(results, truths, silent).rows[0]
    assert [p.name for p in row.pictures if p.problem] == ["d", "e"]
    assert "d.ARW.tif, d.png" in row.pictures[3].problem


def test_files_without_a_partner_are_named(folders: tuple[Path, Path]) -> None:
    results, truths = folders
    (truths / "a.png").unlink()
    (results / "g.ARW.tif").unlink()
    (truths / "notes.txt").touch()
    evaluation = evaluate_folders(results, truths, silent)
    assert evaluation.lone_results == (results / "a.ARW.tif",)
    assert evaluation.lone_truths == (truths / "g.png",)
    assert len(evaluation.rows[0].pictures) == 5


def test_folders_below_count(tmp_path: Path) -> None:
    write(tmp_path / "truths" / "night" / "x.png", scene())
    write(tmp_path / "results" / "night" / "x.tif", scene(1))
    write(tmp_path / "results" / "x.tif", scene())
    evaluation = evaluate_folders(tmp_path / "results", tmp_path / "truths", silent)
    assert [picture.name for picture in evaluation.rows[0].pictures] == ["night/x"]
    assert len(evaluation.lone_results) == 1


def test_a_link_is_a_name_of_its_own(tmp_path: Path) -> None:
    write(tmp_path / "truths" / "x.png", scene())
    (tmp_path / "truths" / "y.png").symlink_to("x.png")
    write(tmp_path / "results" / "y.png", scene(1))
    evaluation = evaluate_folders(tmp_path / "results", tmp_path / "truths", silent)
    assert [picture.name for picture in evaluation.rows[0].pictures] == ["y"]


def test_nothing_to_compare_is_said(tmp_path: Path, folders: tuple[Path, Path]) -> None:
    results, _ = folders
    (tmp_path / "other").mkdir()
    with pytest.raises(NothingMatched):
        evaluate_folders(results, tmp_path / "other", silent)
    write(tmp_path / "other" / "z.png", scene())
    with pytest.raises(NothingMatched, match="named like"):
        evaluate_folders(results, tmp_path / "other", silent)


def copying(change: int) -> Method:
    """A method whose picture is the dark frame's bytes, brightened."""

    def develop(dark: Path, picture: Path) -> None:
        write(picture, cv2.imread(str(dark)[:-4] + ".dng.png") + np.uint8(change))

    return Method(f"plus {change}", develop, {"sha256": "0"})


def pretending(truth: Path, dark: Path, seed: int) -> None:
    if truth.stem == "d":
        raise FileProblem(FailureCode.BLACK, "no light")
    write(dark.with_name(dark.name + ".png"), load_picture(truth)[..., ::-1] * 255 + seed)


def test_every_method_gets_every_dark_frame(folders: tuple[Path, Path]) -> None:
    told: list[tuple[str, str]] = []
    evaluation = evaluate_methods(
        pictures_in(folders[1]),
        [copying(0), copying(5)],
        pretending,
        seed=3,
        tell=lambda name, picture: told.append((name, picture.name)),
    )
    first, second = evaluation.rows
    assert told[:3] == [("plus 0", "a.png"), ("plus 5", "a.png"), ("plus 0", "b.png")]
    assert [picture.seed for picture in first.pictures] == [3, 4, 5, 6, 7, 8, 9]
    for row, change in ((first, 0), (second, 5)):
        assert [bool(picture.problem) for picture in row.pictures].index(True) == 3
        assert row.failed == 1
        expected = -20 * math.log10((3 + change) / 255)
        assert row.pictures[0].scores["psnr"] == pytest.approx(expected, abs=1e-3)
    assert first.facts == {"sha256": "0"}


def test_a_failed_method_does_not_get_the_picture_before(tmp_path: Path) -> None:
    write(tmp_path / "a.png", scene())

    def failing(dark: Path, picture: Path) -> None:
        raise FileProblem(FailureCode.NONFINITE, "no numbers")

    methods = [copying(1), Method("none", failing), Method("silent", lambda dark, picture: None)]
    rows = evaluate_methods(pictures_in(tmp_path), methods, pretending, seed=0, tell=silent).rows
    assert [row.failed for row in rows] == [0, 1, 1]
    assert "E_NONFINITE" in rows[1].pictures[0].problem


LEVEL = NoiseLevel((1e-3,) * 4, (2e-5,) * 4)


@pytest.mark.slow
def test_the_told_noise_reaches_the_network(tmp_path: Path, small_model: str) -> None:
    source, dark = write(tmp_path / "a.png", scene(size=(64, 64))), tmp_path / "a.dng"
    simulate_file(source, dark, SimulateSettings(ratio=20))
    with ToldDecoder(LEVEL) as decoder:
        assert noise_level(decoder.read(dark).raw)[0] == LEVEL
        settings = Settings(parse_ratio("20"), small_model, "cpu", tone="srgb")
        report = enhance_file(
            single_job(dark, tmp_path / "a.tif"), load_enhancer(settings, decoder)
        )
    assert report.noise_source == "noise profile in the file"
