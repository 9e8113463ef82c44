"""Every writer under failing system calls, and the sweep itself under writers that are wrong."""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from darkroom.errors import FailureCode, FileProblem
from darkroom.learning.checkpoints import LAST, read_checkpoint, save_checkpoint
from darkroom.networks import NETWORKS
from darkroom.picture.dng import write_bayer_dng
from darkroom.picture.metadata import PictureMetadata
from darkroom.picture.png import write_png
from darkroom.picture.tiff import write_tiff
from darkroom.publish import publish
from darkroom.zoo.card import Card
from darkroom.zoo.weights import save_weights
from tests.fault_sweep import CALLS, Fault, injected, sweep_faults, trials

PIXELS = np.random.default_rng(0).integers(0, 65536, (130, 300, 3), np.uint16)
CONFIG = {"width": 4, "blocks": [1], "bottom": 1, "detail": 4}
CARD = Card(name="tiny", network="fast-unet", config=CONFIG, halo=16, multiple_of=4)


def small_network(seed: int) -> torch.nn.Module:
    torch.manual_seed(seed)
    return NETWORKS["fast-unet"](**CONFIG)


NETWORK = small_network(0)
SENSOR: dict[str, Any] = {
    "phase": "RGGB",
    "black": (0, 0, 0, 0),
    "white": 16000,
    "xyz_to_camera": np.eye(3),
    "white_balance": (2.0, 1.0, 3.0),
    "make": "Maker",
    "model": "Camera",
}
CONTENTS = {
    "tiff": partial(write_tiff, pixels=PIXELS, metadata=PictureMetadata()),
    "png": partial(write_png, pixels=PIXELS, metadata=PictureMetadata()),
    "dng": partial(write_bayer_dng, mosaic=PIXELS[..., 0], **SENSOR),
}


def published(name: str, *, overwrite: bool) -> Callable[[Path], object]:
    return lambda target: publish(target, CONTENTS[name], overwrite=overwrite)


NEW = {name: published(name, overwrite=False) for name in CONTENTS}
REPLACING = {name: published(name, overwrite=True) for name in CONTENTS}
REPLACING["weights"] = lambda target: save_weights(target, CARD, NETWORK)


@pytest.mark.parametrize("name", NEW)
def test_no_fault_leaves_half_a_new_file(name: str, tmp_path: Path) -> None:
    result = sweep_faults(NEW[name], tmp_path)
    assert result.broken == []
    assert set(result.hits) == set(CALLS)
    assert {call for call, hits in result.hits.items() if not hits} == {"replace", "rename"}


@pytest.mark.parametrize("name", REPLACING)
def test_no_fault_harms_the_old_file(name: str, tmp_path: Path) -> None:
    result = sweep_faults(REPLACING[name], tmp_path, old=b"an older picture")
    assert result.broken == []
    assert {call for call, hits in result.hits.items() if not hits} == {"link", "rename"}


@pytest.mark.parametrize("without", ["links", "links and renames that keep"])
def test_no_fault_leaves_half_a_file_where_links_are_unknown(
    without: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    if without != "links":
        monkeypatch.setattr("darkroom.publish._rename_keeping", refuse_to_keep)
    calls = [call for call in CALLS if call != "link"]
    result = sweep_faults(NEW["png"], tmp_path, calls=calls)
    # Whether it was we who claimed the name is unknown when the claim reports an error.
    assert [line for line in result.broken if not line.startswith("open 2 after its work")] == []


def refuse_to_keep(*_: object) -> None:
    raise OSError(errno.EINVAL, "Invalid argument")


def saved(run: Path, step: int) -> None:
    network = small_network(step)
    optimiser = torch.optim.AdamW(network.parameters())
    facts = {"step": step, "best": 1.5}
    save_checkpoint(run, network=network, average=network, optimiser=optimiser, facts=facts)


def test_whatever_fails_a_checkpoint_can_be_read(tmp_path: Path) -> None:
    def two_saved(run: Path) -> None:
        saved(run, 1)
        saved(run, 2)

    hits = 0
    for trial in trials(
        lambda run: saved(run, 3), tmp_path, prepare=two_saved, numbers=[errno.EIO]
    ):
        found = read_checkpoint(trial.folder)
        assert found is not None
        step = found[1]["step"]
        assert step in (2, 3), str(trial.fault)
        assert step == 3 or isinstance(trial.error, FileProblem), str(trial.fault)
        parts = [*trial.folder.glob(".*")]
        assert not parts or trial.fault.call == "unlink", str(trial.fault)
        assert not trial.leaked
        hits += trial.fault.was_hit
    assert hits > 10


def test_the_first_checkpoint_is_whole_or_not_there(tmp_path: Path) -> None:
    result = sweep_faults(
        lambda target: saved(target.parent, 1), tmp_path, name=LAST, numbers=[errno.ENOSPC]
    )
    assert result.broken == []
    assert result.hits["write"] > 0


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
@pytest.mark.parametrize("call", ["write", "fsync", "read", "close", "link"])
def test_a_disk_that_fails_has_one_code(tmp_path: Path, call: str, number: int) -> None:
    with injected(Fault(call, number)), pytest.raises(FileProblem) as caught:
        NEW["tiff"](tmp_path / "a.tif")
    assert caught.value.code is FailureCode.WRITE_SPACE
    assert caught.value.advice


@pytest.mark.parametrize("name", [*NEW, "weights"])
def test_no_flipped_bit_gets_a_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, flipped = os.write, 0

    def write(descriptor: int, content: bytes) -> int:
        nonlocal uses, flipped
        uses += 1
        if uses != nth:
            return plain(descriptor, content)
        flipped += 1
        wrong = bytearray(content)
        wrong[-1] ^= 1
        return plain(descriptor, wrong)

    monkeypatch.setattr(os, "write", write)
    writer = NEW[name] if name in NEW else REPLACING[name]
    for nth in count(1):
        uses, before = 0, flipped
        with suppress(FileProblem):
            writer(tmp_path / str(nth))
        if flipped == before:
            break
        assert [*tmp_path.iterdir()] == []
    assert flipped > 0
    assert (tmp_path / str(nth)).exists()


def test_the_sweep_sees_writers_that_leave_stumps(tmp_path: Path) -> None:
    def naive(target: Path) -> None:
        descriptor = os.open(target, os.O_CREAT | os.O_WRONLY)
        try:
            os.write(descriptor, b"first half, ")
            os.write(descriptor, b"second half")
        finally:
            os.close(descriptor)

    result = sweep_faults(naive, tmp_path)
    assert any("neither the old nor the new" in line for line in result.broken)
    assert any("cannot read" in line for line in result.broken)


def test_the_sweep_sees_writers_that_keep_silent(tmp_path: Path) -> None:
    def silent(target: Path) -> None:
        with suppress(FileProblem):
            NEW["png"](target)

    result = sweep_faults(silent, tmp_path, calls=["fsync"])
    assert any("no error, but no complete file" in line for line in result.broken)


def test_the_sweep_sees_writers_that_ignore_the_disk(tmp_path: Path) -> None:
    def careless(target: Path) -> None:
        descriptor = os.open(target, os.O_CREAT | os.O_WRONLY)
        with suppress(OSError):
            os.fsync(descriptor)
        os.write(descriptor, b"content")
        os.close(descriptor)

    result = sweep_faults(careless, tmp_path, calls=["fsync"])
    assert any("before the file had its name" in line for line in result.broken)


def test_the_sweep_sees_what_is_left_behind_and_left_open(tmp_path: Path) -> None:
    def untidy(target: Path) -> None:
        part = target.with_name("part")
        descriptor = os.open(part, os.O_CREAT | os.O_WRONLY)
        os.write(descriptor, b"content")
        os.close(descriptor)
        part.rename(target)

    result = sweep_faults(untidy, tmp_path, calls=["write", "rename"])
    assert any("left behind: ['part']" in line for line in result.broken)
    assert any("left open" in line for line in result.broken)
