import io
import os
import sys
from pathlib import Path

import pytest

from darkroom.batch.inputs import expand_inputs, read_names
from darkroom.errors import NothingMatched, UsageProblem


def is_raw(path: Path) -> bool:
    return path.suffix.lower() in {".arw", ".dng"}


def expand(*args: str | Path, files_from: str | None = None, null: bool = False) -> list[str]:
    found = expand_inputs(
        [str(arg) for arg in args], files_from=files_from, null_separated=null, is_input=is_raw
    )
    return [item.path.as_posix() for item in found.inputs]


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode("utf-8", "surrogateescape"))


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_stands_for_its_raw_files_sorted_and_recursive(in_folder: Path) -> None:
    make(in_folder, "card/b.ARW", "card/a.dng", "card/note.txt", "card/day/c.Arw", "card/z.jpg")
    assert expand("card") == ["card/a.dng", "card/b.ARW", "card/day/c.Arw"]


def test_a_folder_hides_hidden_files_and_own_outputs(in_folder: Path) -> None:
    make(
        in_folder, "a.ARW", "a.ARW.tif", "a.ARW.dng", ".b.ARW", ".trash/c.ARW", ".a.ARW.tif.1.part"
    )
    assert expand(".") == ["a.ARW"]


def test_paths_below_a_folder_are_remembered(in_folder: Path) -> None:
    make(in_folder, "card/day/c.ARW", "d.ARW")
    found = expand_inputs(["card", "card/../d.ARW"], is_input=is_raw)
    assert [item.below.as_posix() for item in found.inputs] == ["day/c.ARW", "d.ARW"]


def test_patterns_work_as_in_the_shell(in_folder: Path) -> None:
    make(in_folder, "b.ARW", "a.ARW", "c.arw", "x/d.ARW", "x/y/e.ARW", ".h.ARW")
    assert expand("*.ARW") == ["a.ARW", "b.ARW"]
    assert expand("**/*.ARW") == ["a.ARW", "b.ARW", "x/d.ARW", "x/y/e.ARW"]
    assert expand(in_folder / "?.arw") == [f"{in_folder.as_posix()}/c.arw"]


def test_an_existing_name_is_no_pattern(in_folder: Path) -> None:
    make(in_folder, "IMG[1].ARW", "IMG1.ARW")
    assert expand("IMG[1].ARW") == ["IMG[1].ARW"]


def test_a_missing_file_stays_in_the_list(in_folder: Path) -> None:
    make(in_folder, "a.ARW")
    assert expand("gone.ARW", "a.ARW") == ["gone.ARW", "a.ARW"]


def test_named_files_need_no_raw_name(in_folder: Path) -> None:
    make(in_folder, "scan.bin")
    assert expand("scan.bin") == ["scan.bin"]


def test_what_matches_nothing_is_told(in_folder: Path) -> None:
    make(in_folder, "a.ARW", "empty/note.txt")
    found = expand_inputs(["a.ARW", "*.DNG", "empty"], is_input=is_raw)
    assert found.unmatched == ("*.DNG", "empty")


@pytest.mark.parametrize("args", [[], ["*.ARW"], ["empty"]])
def test_nothing_at_all_ends_with_code_3(in_folder: Path, args: list[str]) -> None:
    (in_folder / "empty").mkdir()
    with pytest.raises(NothingMatched) as caught:
        expand(*args)
    assert all(arg in str(caught.value) for arg in args)


def test_an_empty_name_is_not_the_current_folder(in_folder: Path) -> None:
    make(in_folder, "a.ARW")
    with pytest.raises(UsageProblem, match="empty"):
        expand("")


def test_each_file_is_worked_on_once(in_folder: Path) -> None:
    make(in_folder, "a.ARW", "x/b.ARW")
    os.link("a.ARW", "hard.ARW")
    Path("soft.ARW").symlink_to("a.ARW")
    names = ["a.ARW", "./a.ARW", str(in_folder / "a.ARW"), "hard.ARW", "soft.ARW", "x", "x/b.ARW"]
    assert expand(*names, "gone.ARW", "./gone.ARW") == ["a.ARW", "x/b.ARW", "gone.ARW"]


def test_file_systems_without_inodes_are_no_duplicates(
    in_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(in_folder, "a.ARW", "b.ARW")
    plain = Path.stat

    def without_inode(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        status = list(plain(path, follow_symlinks=follow_symlinks))
        status[1] = 0
        return os.stat_result(status)

    monkeypatch.setattr(Path, "stat", without_inode)
    assert expand("a.ARW", "b.ARW") == ["a.ARW", "b.ARW"]


def test_a_folder_that_cannot_be_read_is_not_a_silent_gap(
    in_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(in_folder, "card/a.ARW", "card/locked/b.ARW")
    plain = os.scandir

    def refusing(path: str) -> object:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", path)
        return plain(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert expand("card") == ["card/a.ARW", "card/locked"]


def test_links_to_folders_are_not_followed(in_folder: Path) -> None:
    make(in_folder, "card/a.ARW")
    Path("card/loop").symlink_to("..")
    assert expand("card") == ["card/a.ARW"]


def test_lists_hold_names_of_any_bytes(in_folder: Path) -> None:
    names = [b"a b.ARW", b"-n.ARW", b"\xff\xfe.ARW", "é*.ARW".encode(), b"new\nline.ARW"]
    Path("zero").write_bytes(b"\0".join(names) + b"\0")
    assert [os.fsencode(name) for name in read_names("zero", null_separated=True)] == names
    Path("lines").write_bytes(b"\n".join(names[:4]) + b"\n\n")
    assert [os.fsencode(name) for name in read_names("lines", null_separated=False)] == names[:4]


def test_listed_names_are_never_patterns(in_folder: Path) -> None:
    make(in_folder, "a.ARW", "card/b.ARW")
    Path("list").write_text("*.ARW\ncard\n")
    assert expand(files_from="list") == ["*.ARW", "card/b.ARW"]


def test_the_list_may_come_from_the_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a.ARW\0b.ARW\0")))
    assert expand(files_from="-", null=True) == ["a.ARW", "b.ARW"]


def test_a_null_separated_list_read_as_lines_is_refused(in_folder: Path) -> None:
    Path("zero").write_bytes(b"a.ARW\0b.ARW\0")
    with pytest.raises(UsageProblem, match="--null"):
        expand(files_from="zero")


def test_a_missing_list_is_wrong_use() -> None:
    with pytest.raises(UsageProblem, match=r"gone\.txt"):
        expand(files_from="gone.txt")


def test_outputs_beside_their_inputs_are_no_inputs(tmp_path: Path) -> None:
    for name in ("a.ARW", "a.ARW.tif", "b.ARW", "c.tif"):
        (tmp_path / name).write_text(name)
    pattern = str(tmp_path / "*")
    found = expand_inputs([pattern], is_input=lambda path: path.suffix == ".ARW")
    assert [item.path.name for item in found.inputs] == ["a.ARW", "b.ARW", "c.tif"]


def test_lists_written_on_windows_are_read(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"a.ARW\r\nb.ARW\r\n")
    assert read_names(str(tmp_path / "list.txt"), null_separated=False) == ["a.ARW", "b.ARW"]
