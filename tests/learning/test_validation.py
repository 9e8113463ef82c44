from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from darkroom.learning import validation
from darkroom.learning.config import ModelSection, PairsSection
from darkroom.learning.real_pairs import load_pairs
from darkroom.learning.scenes import Scene
from darkroom.learning.validation import (
    CONDITIONS,
    PATCHES,
    REAL,
    REAL_PATCHES,
    SHOWN,
    examine,
    middle,
    real_validation_pairs,
    shown,
    split,
    validation_pairs,
)
from tests.learning.pair_files import write_scenes


class Grey(nn.Module):
    """Answer mid-grey to everything."""

    def forward(self, planes: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Return (N, 3, 2h, 2w)."""
        return torch.full((len(planes), 3, 2 * planes.shape[2], 2 * planes.shape[3]), 0.2)


class Always(nn.Module):
    """Answer the same picture to everything, and remember what was shown."""

    def __init__(self, picture: torch.Tensor) -> None:
        super().__init__()
        self.picture = picture
        self.planes: torch.Tensor | None = None

    def forward(self, planes: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Return (N, 3, 2h, 2w)."""
        self.planes = planes
        return self.picture.expand(len(planes), -1, -1, -1)


def test_the_split_depends_on_names_alone(scenes: list[Scene]) -> None:
    half = Scene(scenes[0].name, scenes[0].pixels[::2, ::2])
    train, held = split([*scenes, half], 2)
    again, _ = split([half, *reversed(scenes)], 2)
    assert {s.name for s in train} == {s.name for s in again}
    assert not {s.name for s in train} & {s.name for s in held}
    assert train
    assert held


def test_validation_is_the_same_every_time(scenes: list[Scene]) -> None:
    first, again = validation_pairs(scenes, size=16), validation_pairs(scenes, size=16)
    assert first.keys() == CONDITIONS.keys()
    for name in first:
        assert len(first[name]) == PATCHES
        assert np.array_equal(first[name][3].planes, again[name][3].planes)


def test_conditions_see_the_same_places(scenes: list[Scene]) -> None:
    pairs = validation_pairs(scenes, size=16)
    a7s2 = [group[0].truth for name, group in pairs.items() if name.startswith("sony")]
    assert all(np.allclose(truth, a7s2[0], atol=1e-3) for truth in a7s2[1:])


def test_scores_are_psnr_on_the_display(scenes: list[Scene]) -> None:
    seen = examine(Grey(), validation_pairs(scenes, size=16), ModelSection(), device="cpu")
    assert set(seen.scores) == {*CONDITIONS, "mean"}
    assert 3 < seen.scores["mean"] < 20


def test_an_srgb_result_is_compared_as_it_is(scenes: list[Scene]) -> None:
    pairs = {"one": [validation_pairs(scenes, size=16)["sony-a7s2 iso100 x1"][0]]}
    truth = shown(pairs["one"][0].truth, pairs["one"][0])
    srgb = ModelSection(output_space="srgb")
    assert examine(Always(truth), pairs, srgb, device="cpu").scores["mean"] == 120
    assert examine(Always(truth), pairs, ModelSection(), device="cpu").scores["mean"] < 30


def test_networks_get_the_planes_they_are_made_for(scenes: list[Scene]) -> None:
    pair = validation_pairs(scenes, size=16)["canon-70d iso1600 x100"][0]
    model = ModelSection(input_space="planes", clip=True)
    network = Always(torch.zeros(3, 32, 32))
    examine(network, {"one": [pair]}, model, device="cpu")
    assert network.planes is not None
    expected = np.clip(pair.planes / pair.gains[:, None, None], 0, 1)
    assert np.allclose(network.planes[0].numpy(), expected)


def test_large_patches_come_in_small_groups(
    scenes: list[Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = validation_pairs(scenes, size=16)
    whole = examine(Grey(), pairs, ModelSection(), device="cpu")
    monkeypatch.setattr(validation, "AT_ONCE", 5 * 16 * 16)
    assert examine(Grey(), pairs, ModelSection(), device="cpu").scores == whole.scores


def test_the_strip_shows_noisy_result_and_truth(scenes: list[Scene]) -> None:
    pairs = validation_pairs(scenes, size=16)
    strip = examine(Grey(), pairs, ModelSection(), device="cpu").strip
    assert strip.shape == (32 * len(CONDITIONS), 3 * 32, 3)
    assert strip.dtype == np.uint16
    assert np.ptp(strip[:, 32:64].reshape(-1, 3), axis=0).max() < 30_000


def test_the_strip_shows_the_middle_of_large_patches() -> None:
    picture = torch.arange(600.0).expand(3, 400, 600)
    cut = middle(picture)
    assert cut.shape == (3, SHOWN, SHOWN)
    assert cut[0, 0, 0] == (600 - SHOWN) // 2


def test_real_pairs_are_one_more_condition(tmp_path: Path) -> None:
    names = tuple(f"{number:05}" for number in range(3))
    section = PairsSection(lists=(write_scenes(tmp_path, names),), cache=tmp_path / "cache")
    real = load_pairs(section, tmp_path / "run", smallest=32, on_skipped=print)
    first, again = (real_validation_pairs(real.held_out, size=16) for _ in range(2))
    assert len(first[REAL]) == REAL_PATCHES
    assert all(
        np.array_equal(a.planes, b.planes) for a, b in zip(first[REAL], again[REAL], strict=True)
    )
    seen = examine(Grey(), first, ModelSection(), device="cpu")
    assert set(seen.scores) == {REAL, "mean"}
    assert real_validation_pairs((), size=16) == {}
