"""Publishing on disks that are full, limited or that keep other bytes than they were given."""

import os
from pathlib import Path

import pytest

from darkroom.errors import FailureCode, FileProblem
from darkroom.publish import BinaryFile, publish

CONTENT = b"a complete picture"


def write(file: BinaryFile) -> None:
    file.write(CONTENT)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_disk_that_keeps_other_bytes_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = os.write

    def flip(descriptor: int, content: bytes) -> int:
        wrong = bytearray(content)
        wrong[len(wrong) // 2] ^= 4
        return plain(descriptor, wrong)

    monkeypatch.setattr(os, "write", flip)
    with pytest.raises(FileProblem, match="other bytes than were written") as caught:
        publish(tmp_path / "a.tif", write, overwrite=False)
    assert caught.value.code is FailureCode.WRITE_SPACE
    assert "check the disk" in caught.value.advice
    assert names(tmp_path) == []


def test_a_limit_on_file_sizes_is_told(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    try:
        with pytest.raises(FileProblem) as caught:
            publish(tmp_path / "a.tif", lambda file: file.write(bytes(3 << 20)), overwrite=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.code is FailureCode.WRITE_SPACE
    assert "ulimit" in caught.value.advice
    assert names(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = os.write

    def to_full_device(_: int, content: bytes) -> int:
        descriptor = os.open("/dev/full", os.O_WRONLY)
        try:
            return plain(descriptor, content)
        finally:
            os.close(descriptor)

    monkeypatch.setattr(os, "write", to_full_device)
    with pytest.raises(FileProblem, match="No space left") as caught:
        publish(tmp_path / "a.tif", write, overwrite=False)
    assert caught.value.code is FailureCode.WRITE_SPACE
