import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from darkroom.camera.calibration import (
    MAX_BYTES,
    Calibration,
    from_record,
    load_calibration,
    to_json,
    to_record,
)
from darkroom.errors import UsageProblem
from tests.calibration_frames import calibration, row

Change = Callable[[dict[str, Any]], object]


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "camera.json"
    path.write_bytes(to_json(calibration()))
    assert load_calibration(path) == calibration()


def test_numbers_are_short() -> None:
    long = replace(calibration(), black=511.123456789, rows=(row(1600, gain=1 / 3),))
    record = json.loads(to_json(long))
    assert (record["black"], record["rows"][0]["gain"]) == (511.123, 0.333333)


def test_unknown_gains_stay_unknown() -> None:
    half = replace(calibration(), rows=(row(100, gain=None), row(200, gain=0.2)))
    assert from_record(to_record(half), "x").rows[0].gain is None


def changed(change: Change) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(to_json(calibration()))
    change(record)
    return record


WRONG: dict[str, Change] = {
    "version": lambda r: r.update(version=2),
    "unknown key": lambda r: r.update(extra=1),
    "no black": lambda r: r.pop("black"),
    "black above white": lambda r: r.update(black=20000),
    "endless white": lambda r: r.update(white=float("inf")),
    "huge number": lambda r: r.update(white=10**400),
    "text for a number": lambda r: r.update(white="16383"),
    "truth for a number": lambda r: r.update(hot_pixels=True),
    "no rows": lambda r: r.update(rows=[]),
    "rows of another kind": lambda r: r.update(rows={"iso": 1}),
    "row of another kind": lambda r: r.update(rows=[3]),
    "too many rows": lambda r: r.update(rows=r["rows"] * 100),
    "falling ISO": lambda r: r["rows"].reverse(),
    "no number": lambda r: r["rows"][0].update(sigma=float("nan")),
    "negative noise": lambda r: r["rows"][0].update(sigma=-1),
    "endless variance": lambda r: r["rows"][0].update(tukey_lambda=-2),
    "no gain at all": lambda r: [line.update(gain=None) for line in r["rows"]],
    "unknown column": lambda r: r["rows"][0].update(colour=3),
    "short matrix": lambda r: r.update(xyz_to_camera=[[1, 0, 0], [0, 1, 0]]),
    "flat matrix": lambda r: r.update(xyz_to_camera=[[1, 1, 1]] * 3),
    "lines that are numbers": lambda r: r.update(xyz_to_camera=[1, 2, 3]),
    "no daylight": lambda r: r.update(daylight=[0, 1]),
    "long name": lambda r: r.update(name="x" * 1000),
    "notes of another kind": lambda r: r.update(notes=[1]),
    "endless notes": lambda r: r.update(notes=["x"] * 1000),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_what_no_camera_has_is_refused_by_name(change: Change, tmp_path: Path) -> None:
    path = tmp_path / "camera.json"
    path.write_text(json.dumps(changed(change)))
    with pytest.raises(UsageProblem, match=r"camera\.json"):
        load_calibration(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff\xfe", b'{"format": "other"}', b"[" * 100_000, b"1" * 5000],
    ids=["empty", "cut", "list", "bytes", "other", "deep", "long"],
)
def test_other_files_are_no_calibration(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "camera.json"
    path.write_bytes(content)
    with pytest.raises(UsageProblem, match="is no calibration"):
        load_calibration(path)


def test_large_files_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "camera.json"
    path.write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(UsageProblem, match="too large"):
        load_calibration(path)


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.json", tmp_path):
        with pytest.raises(UsageProblem, match="cannot be read"):
            load_calibration(path)


def test_control_characters_are_dropped() -> None:
    odd: Calibration = from_record(changed(lambda r: r.update(model="A\x1b[2J7")), "x")
    assert odd.model == "A[2J7"
