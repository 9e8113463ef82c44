import os
from pathlib import Path

import pytest

from darkroom.regular_file import open_regular


def test_only_regular_files_are_opened_and_pipes_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "none", "."):
        with pytest.raises(OSError):
            open_regular(tmp_path / name)


def test_links_are_followed_on_request_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with open_regular(tmp_path / "link") as file:
        assert file.read() == b"content"
    with pytest.raises(OSError):
        open_regular(tmp_path / "link", follow=False)
