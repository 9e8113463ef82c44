import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from darkroom.batch.matching import pictures_in
from darkroom.errors import FailureCode, FileProblem, NothingMatched
from darkroom.evaluate import (
    Method,
    Row,
    Scored,
    Sight,
    by_category,
    evaluate_folders,
    evaluate_methods,
    evaluate_pairs,
    summarise,
    worst,
)
from darkroom.measure.protocols import find_protocol
from darkroom.measure.psnr import psnr
from darkroom.measure.ssim import ssim
from darkroom.picture.load import load_picture
from darkroom.picture.nir_pairs import find_pairs

SIZE = (24, 32)


def write(path: Path, picture: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture)
    return path


def scene(seed: int = 0, size: tuple[int, int] = SIZE) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return cv2.resize(rng.integers(40, 220, (4, 4, 3), np.uint8), size[::-1])


def silent(name: str, picture: Scored, sight: Sight | None) -> None:
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


def test_pictures_are_scored_against_the_truth_of_their_name(folders: tuple[Path, Path]) -> None:
    results, truths = folders
    told: list[str] = []
    row = evaluate_folders(results, truths, lambda _, picture, __: told.append(picture.name)).rows[
        0
    ]
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
    summaries = summarise(row)
    assert summaries.pop("ms_ssim").missing == 7  # the pictures are too small
    for metric, summary in summaries.items():
        assert summary.interval is not None
        low, high = summary.interval
        assert low < summary.mean < high
        assert summary.mean == pytest.approx(np.mean([p.scores[metric] for p in row.pictures]))


def test_equal_pictures_are_infinite_and_counted(folders: tuple[Path, Path]) -> None:
    results, truths = folders
    (results / "a.ARW.tif").unlink()
    write(results / "a.tif", scene(0))
    summary = summarise(evaluate_folders(results, truths, silent).rows[0])
    assert (summary["psnr"].infinite, summary["psnr"].count) == (1, 6)
    assert math.isfinite(summary["psnr"].mean)
    assert (summary["ssim"].infinite, summary["ssim"].count) == (0, 7)


def test_another_size_is_a_failure_of_that_picture(folders: tuple[Path, Path]) -> None:
    results, truths = folders
    write(results / "b.ARW.tif", scene(1)[:-2])
    write(results / "c.ARW.tif", scene(2)).write_bytes(b"II*\0 and no more")
    row = evaluate_folders(results, truths, silent).rows[0]
    assert (row.failed, len(row.pictures)) == (2, 7)
    assert "32 x 22 pixels, its truth 32 x 24" in row.pictures[1].problem
    assert "E_CORRUPT" in row.pictures[2].problem
    assert not row.pictures[1].scores
    assert summarise(row)["psnr"].count == 5


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


def test_a_protocol_chooses_pictures_and_rounds_them(tmp_path: Path) -> None:
    for name in ("10003_00_0.1s", "10003_01_0.04s", "10034_00_0.1s", "00002_00_0.1s", "x"):
        write(tmp_path / "truths" / f"{name}.png", scene().astype(np.uint16) * 257)
        write(tmp_path / "results" / f"{name}.ARW.tif", scene().astype(np.uint16) * 257 + 90)
    taken = {}
    for name in ("plain", "sid-598", "sid-00-93", "sid-562", "raw-full"):
        folders = tmp_path / "results", tmp_path / "truths"
        evaluation = evaluate_folders(*folders, silent, find_protocol(name))
        assert evaluation.protocol["protocol"] == name
        taken[name] = evaluation.rows[0]
    assert {name: len(row.pictures) for name, row in taken.items()} == {
        **{"plain": 5, "sid-598": 3, "sid-00-93": 2, "sid-562": 2, "raw-full": 5}
    }
    assert summarise(taken["sid-598"])["psnr"].infinite == 3  # less than half a level of 8 bits
    assert summarise(taken["plain"])["psnr"].mean == pytest.approx(57.24, abs=0.01)
    assert taken["raw-full"].metrics == ("psnr", "ssim", "mse")


def test_a_protocol_that_takes_nothing_is_told(folders: tuple[Path, Path]) -> None:
    with pytest.raises(NothingMatched, match="no name belongs to sid-562"):
        evaluate_folders(*folders, silent, find_protocol("sid-562"))


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
        tell=lambda name, picture, _: told.append((name, picture.name)),
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


def test_the_dark_frame_is_seen_beside_the_result(tmp_path: Path) -> None:
    write(tmp_path / "a.png", scene())
    seen: list[Sight | None] = []

    def darken(truth: Path, dark: Path, seed: int) -> np.ndarray:
        pretending(truth, dark, seed)
        return load_picture(truth)[::2, ::2] / 100

    methods = [copying(0), copying(5)]
    evaluate_methods(
        pictures_in(tmp_path), methods, darken, seed=0, tell=lambda *told: seen.append(told[2])
    )
    expected = load_picture(tmp_path / "a.png")[::2, ::2] / 100
    assert all(sight is not None and (sight.source == expected).all() for sight in seen)
    assert len(seen) == 2


def test_a_failed_method_does_not_get_the_picture_before(tmp_path: Path) -> None:
    write(tmp_path / "a.png", scene())

    def failing(dark: Path, picture: Path) -> None:
        raise FileProblem(FailureCode.NONFINITE, "no numbers")

    methods = [copying(1), Method("none", failing), Method("silent", lambda dark, picture: None)]
    rows = evaluate_methods(pictures_in(tmp_path), methods, pretending, seed=0, tell=silent).rows
    assert [row.failed for row in rows] == [0, 1, 1]
    assert "E_NONFINITE" in rows[1].pictures[0].problem


def test_pixels_are_shown_where_there_are_scores(folders: tuple[Path, Path]) -> None:
    results, truths = folders
    write(results / "b.ARW.tif", scene(1)[:-2])
    seen: dict[str, Sight | None] = {}
    evaluate_folders(results, truths, lambda _, picture, sight: seen.update({picture.name: sight}))
    assert seen["b"] is None
    assert seen["c"] is not None
    assert (seen["c"].truth == load_picture(truths / "c.png")).all()
    assert (seen["c"].result == load_picture(results / "c.ARW.tif")).all()
    assert seen["c"].source is None


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Three near-infrared pairs in two folders."""
    for seed, name in enumerate(("urban/1", "water/1", "water/2")):
        colour = scene(seed)
        write(tmp_path / "pairs" / f"{name}_rgb.png", colour)
        write(tmp_path / "pairs" / f"{name}_nir.png", colour[..., 2])
    return tmp_path / "pairs"


def copy(source: Path, picture: Path) -> None:
    write(picture, cv2.imread(str(source), cv2.IMREAD_COLOR))


def test_methods_get_one_side_of_a_pair_and_are_scored_against_the_other(pairs: Path) -> None:
    seen: list[tuple[str, str, Sight | None]] = []
    methods = [Method("grey", copy), Method("back", copy, {"sha256": "0"}, "nir")]
    told = lambda name, picture, sight: seen.append((name, picture.name, sight))  # noqa: E731
    forward, back = evaluate_pairs(find_pairs(pairs), methods, told).rows
    assert [name for name, _, _ in seen] == ["grey", "back"] * 3
    assert [picture.name for picture in forward.pictures] == ["urban/1", "water/1", "water/2"]
    nir, srgb = (load_picture(pairs / f"urban/1_{side}.png") for side in ("nir", "rgb"))
    assert forward.pictures[0].scores["psnr"] == pytest.approx(psnr(srgb, nir))
    assert back.pictures[0].scores["psnr"] == pytest.approx(psnr(nir, srgb))
    assert forward.pictures[0].truth == pairs / "urban/1_rgb.png"
    assert back.pictures[0].truth == pairs / "urban/1_nir.png"
    for (_, _, sight), source in zip(seen[:2], (nir, srgb), strict=True):
        assert sight is not None
        assert sight.source == pytest.approx(source)
    assert back.facts == {"sha256": "0"}


def test_a_pair_that_fails_does_not_stop_the_others(pairs: Path) -> None:
    write(pairs / "urban" / "1_nir.png", scene(7))
    write(pairs / "water" / "1_rgb.png", scene(7)[:-1])
    (row,) = evaluate_pairs(find_pairs(pairs), [Method("grey", copy)], silent).rows
    assert "colour picture" in row.pictures[0].problem
    assert "32 x 24 pixels, its truth 32 x 23" in row.pictures[1].problem
    assert row.failed == 2
    assert row.pictures[2].scores


def test_rows_are_split_by_the_folders_of_their_pictures() -> None:
    names = ("water/2", "own", "water/1", "far/away/3")
    row = Row("model", tuple(Scored(name, Path(name)) for name in names), {"sha256": "0"})
    parts = {part.name: [p.name for p in part.pictures] for part in by_category(row)}
    assert parts == {"": ["own"], "far/away": ["far/away/3"], "water": ["water/2", "water/1"]}
    assert sum(len(part.pictures) for part in by_category(row)) == len(row.pictures)
    few = by_category(replace(row, metrics=("psnr",)))
    assert [part.metrics for part in few] == [("psnr",)] * 3
