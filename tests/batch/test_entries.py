from pathlib import Path

import pytest

from darkroom.batch.entries import WRITING, key_of, read_entries
from darkroom.batch.manifest import Manifest

WRITTEN = {
    "v": 1,
    "cwd": "/disk",
    "in": "card/day/a.ARW",
    "out": "out/day/a.ARW.tif",
    "below": "day/a.ARW",
    "size": 4,
    "mtime_ns": 7,
    "sha256": None,
    "params": "p",
    "weights": "w",
    "darkroom": "2.3.4",
    "out_size": 9,
    "out_sha256": "abc",
    "status": "ok",
}


def entries_of(folder: Path, *records: dict[str, object]) -> list[str]:
    manifest = Manifest(folder, {"v": 1, "kind": "run"})
    for record in records:
        manifest.append(record)
    manifest.close()
    return [*read_entries(folder)]


def test_a_written_output_is_found_under_its_place(tmp_path: Path) -> None:
    assert entries_of(tmp_path, WRITTEN) == ["day/a.ARW.tif"]
    (entry,) = read_entries(tmp_path)["day/a.ARW.tif"]
    assert (entry.out_size, entry.out_sha256, entry.is_certain) == (9, "abc", True)
    assert entry.made_by == ("p", "w", "2")
    assert entry.source == "/disk/card/day/a.ARW"
    assert entry.seen and (entry.seen.size, entry.seen.mtime_ns) == (4, 7)


def test_an_intention_is_less_certain(tmp_path: Path) -> None:
    entries_of(tmp_path, WRITTEN | {"status": WRITING})
    (entry,) = read_entries(tmp_path)["day/a.ARW.tif"]
    assert not entry.is_certain


@pytest.mark.parametrize("status", ["failed", "cancelled", "skipped", None, 7, [], {}])
def test_only_outputs_that_were_written_count(tmp_path: Path, status: object) -> None:
    assert entries_of(tmp_path, WRITTEN | {"status": status}) == []


@pytest.mark.parametrize("field", ["below", "out", "out_size", "out_sha256", "params", "darkroom"])
def test_a_record_without_a_field_is_none(tmp_path: Path, field: str) -> None:
    assert entries_of(tmp_path, {k: v for k, v in WRITTEN.items() if k != field}) == []


def test_the_key_does_not_depend_on_where_the_folder_is_seen_from() -> None:
    assert key_of("a.ARW", "a.ARW.tif") == key_of("a.ARW", "far/away/a.ARW.tif") == "a.ARW.tif"
