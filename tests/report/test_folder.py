import os
from pathlib import Path

import pytest

from darkroom.report.folder import (
    PER_PAGE,
    PREVIEWS,
    Shot,
    address_of,
    file_of,
    folder_page,
    shots_in,
)


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def test_results_stand_beside_what_they_were_made_of(tmp_path: Path) -> None:
    make(tmp_path, "b.ARW", "b.ARW.tif", "a/nir.png", "a/nir.png.tif", "alone.png", "raw.NEF")
    make(tmp_path, "notes.txt", ".hidden.png", ".darkroom/x.png")
    assert shots_in(tmp_path) == [
        Shot("a/nir.png.tif", "a/nir.png"),
        Shot("alone.png"),
        Shot("b.ARW.tif", "b.ARW"),
    ]


def test_two_results_may_share_a_source(tmp_path: Path) -> None:
    make(tmp_path, "b.ARW", "b.ARW.tif", "b.ARW.png")
    assert shots_in(tmp_path) == [Shot("b.ARW.png", "b.ARW"), Shot("b.ARW.tif", "b.ARW")]


def test_deep_folders_and_links_to_them_are_no_trouble(tmp_path: Path) -> None:
    make(tmp_path, "/".join(["d"] * 300) + "/x.png")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "link.png").symlink_to(tmp_path / "x.png")
    assert [shot.result for shot in shots_in(tmp_path)] == ["d/" * 300 + "x.png"]


@pytest.mark.parametrize("name", ["a.png", "a/b c.tif", "x#1?.ARW", "%2e%2e.png", "ü.jpg", "..a.b"])
def test_an_address_leads_to_its_file(tmp_path: Path, name: str) -> None:
    make(tmp_path, name)
    is_hidden_or_other = name == "..a.b"
    expected = None if is_hidden_or_other else Path(os.path.realpath(tmp_path), name)
    assert file_of(tmp_path, address_of(name)) == expected


def test_names_that_are_no_text_have_addresses(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff.png")
    try:
        make(tmp_path, name)
    except OSError:
        pytest.skip("names must be UTF-8 here")
    (shot,) = shots_in(tmp_path)
    assert file_of(tmp_path, address_of(shot.result)) == Path(os.path.realpath(tmp_path), name)


@pytest.mark.parametrize(
    "below",
    [
        "../secret.png",
        "%2e%2e/secret.png",
        "a/../../secret.png",
        "a/%2e%2e%2f%2e%2e%2fsecret.png",
        "..%5csecret.png",
        "a//x.png",
        "./a/x.png",
        "a/x.png%00",
        "a/x.png%00.png",
        "%00",
        "",
        "a",
        "a/",
        ".hidden.png",
        ".darkroom/x.png",
        "notes.txt",
        "gone.png",
        "link.png",
        "link/x.png",
        "inner.png",
        "folder.png",
        "x" * 5000 + ".png",
        "%ff%fe.png",
    ],
)
def test_nothing_else_has_an_address(tmp_path: Path, below: str) -> None:
    folder = tmp_path / "shown"
    make(folder, "a/x.png", ".hidden.png", ".darkroom/x.png", "notes.txt")
    make(tmp_path, "secret.png", "outside/x.png")
    (folder / "folder.png").mkdir()
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "inner.png").symlink_to(folder / "a" / "x.png")
    assert file_of(folder, PREVIEWS + below) is None
    assert file_of(folder, below) is None


def test_absolute_names_have_no_address(tmp_path: Path) -> None:
    make(tmp_path, "secret.png")
    (tmp_path / "shown").mkdir()
    for address in (f"{PREVIEWS}{tmp_path}/secret.png", f"{PREVIEWS}%2F{tmp_path}/secret.png"):
        assert file_of(tmp_path / "shown", address) is None


def test_a_folder_may_be_named_through_a_link(tmp_path: Path) -> None:
    make(tmp_path / "real", "a.png")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert file_of(tmp_path / "link", address_of("a.png")) is not None


def test_a_folder_is_shown_page_by_page(tmp_path: Path) -> None:
    shots = [Shot(f"{n}.png", f"{n}.raw") for n in range(PER_PAGE + 1)]
    first, last = (folder_page(tmp_path, shots, n).decode() for n in (1, 2))
    assert first.count("<figure") == PER_PAGE
    assert last.count("<figure") == 1
    assert 'href="/?page=2"' in first
    assert 'href="/?page=1"' in last
    assert folder_page(tmp_path, shots, 99).decode() == last
    assert "0 pictures" in folder_page(tmp_path, [], 1).decode()


def test_names_of_files_stay_text(tmp_path: Path) -> None:
    page = folder_page(tmp_path, [Shot("<script>alert(1)</script>.png")], 1).decode()
    assert "&lt;script&gt;alert" in page
    assert page.count("<script") == 1
