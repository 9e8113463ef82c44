import numpy as np
import pytest
import torch
from torch import nn

from darkroom.learning.scenes import Scene
from darkroom.learning.validation import (
    CONDITIONS,
    PATCHES,
    display_psnr,
    picture_strip,
    score,
    split,
    validation_pairs,
)


class Grey(nn.Module):
    """Answer mid-grey to everything."""

    def forward(self, planes: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Return (N, 3, 2h, 2w)."""
        return torch.full((len(planes), 3, 2 * planes.shape[2], 2 * planes.shape[3]), 0.2)


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
    pairs = validation_pairs(scenes, size=16)
    scores = score(Grey(), pairs, device="cpu")
    assert set(scores) == {*CONDITIONS, "mean"}
    assert 3 < scores["mean"] < 20
    pair = next(iter(pairs.values()))[0]
    assert display_psnr(torch.from_numpy(pair.truth), pair) == pytest.approx(120)


def test_the_strip_shows_noisy_result_and_truth(scenes: list[Scene]) -> None:
    strip = picture_strip(Grey(), validation_pairs(scenes, size=16), device="cpu")
    assert strip.shape == (32 * len(CONDITIONS), 3 * 32, 3)
    assert strip.dtype == np.uint16
    assert np.ptp(strip[:, 32:64].reshape(-1, 3), axis=0).max() < 30_000
