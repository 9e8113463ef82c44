import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load, load_file, save
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from darkroom.errors import UsageProblem
from darkroom.learning.adversary import (
    Adversary,
    cutmix_mask,
    cutmix_masks,
    hinge,
    mix,
    told_apart,
)
from darkroom.learning.config import AdversarialSection
from darkroom.networks.discriminator import UNetDiscriminator

SIZE = (16, 16)


def section(**changes: object) -> AdversarialSection:
    facts = {"weight": 0.01, "width": 4, "levels": 2, "learning_rate": 4e-3, **changes}
    return AdversarialSection.model_validate(facts)


def adversary(seed: int = 0, **changes: object) -> Adversary:
    torch.manual_seed(seed)
    return Adversary(section(**changes), "cpu")


def reals(step: int, pictures: int = 2) -> Tensor:
    """Grain of a strength and a level that fakes do not have."""
    rng = np.random.default_rng((1, step))
    return torch.from_numpy(0.7 + 0.1 * rng.standard_normal((pictures, 3, *SIZE))).float()


def fakes(step: int, pictures: int = 2) -> Tensor:
    rng = np.random.default_rng((2, step))
    level = rng.uniform(0.1, 0.4, (pictures, 3, 1, 1))
    return torch.from_numpy(level * np.ones((pictures, 3, *SIZE))).float()


def learn(pupil: Adversary, steps: range) -> list[dict[str, float]]:
    return [pupil.learn(reals(step), fakes(step), step=step, seed=5) for step in steps]


def state(pupil: Adversary) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in pupil.tensors().items()}


def assert_equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    assert [key for key in one if not torch.equal(one[key], other[key])] == []


class Pixelwise(nn.Module):
    """Judges every pixel by itself; the picture by their mean."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = spectral_norm(nn.Conv2d(3, 1, 1))

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        pixels = self.layer(pictures)
        return pixels.mean((2, 3)), pixels


@pytest.fixture(scope="module")
def taught() -> tuple[Adversary, list[dict[str, float]]]:
    """An adversary that has learned, and its losses on the way; its verdicts do not change it."""
    pupil = adversary(learning_rate=1e-2)
    return pupil, learn(pupil, range(30))


def test_it_learns_to_tell_two_kinds_of_pictures_apart(taught: tuple) -> None:
    pupil, losses = taught
    for name in ("adversary_global", "adversary_pixels"):
        assert losses[0][name] > 1.5
        assert losses[-1][name] < 0.5
    whole_real, pixels_real = pupil.judge(reals(99))
    whole_fake, pixels_fake = pupil.judge(fakes(99))
    assert whole_real.min() > whole_fake.max()
    assert pixels_real.mean() > pixels_fake.mean() + 1


def test_the_verdict_falls_as_fakes_become_real(taught: tuple) -> None:
    pupil, _ = taught
    verdicts = [
        float(pupil.verdict(torch.lerp(fakes(99), reals(99), share))) for share in (0.0, 0.5, 1.0)
    ]
    assert verdicts == sorted(verdicts, reverse=True)
    assert verdicts[0] > verdicts[-1] + 0.5


def test_a_picture_can_learn_from_the_verdict(taught: tuple) -> None:
    pupil, _ = taught
    picture = fakes(99).requires_grad_()
    learner, verdicts = torch.optim.Adam([picture], lr=0.05), []
    for _ in range(10):
        learner.zero_grad()
        verdict = pupil.verdict(picture)
        verdict.backward()
        learner.step()
        verdicts.append(float(verdict.detach()))
    assert verdicts[-1] < verdicts[0] - 0.5


def test_the_verdict_leaves_the_discriminator_as_it_is() -> None:
    pupil = adversary()
    learn(pupil, range(2))
    before = state(pupil)
    pupil.optimiser.zero_grad()
    pupil.verdict(fakes(9).requires_grad_()).backward()
    assert_equal(before, state(pupil))
    assert all(p.grad is None for p in pupil.discriminator.parameters())
    assert pupil.discriminator.training
    assert all(p.requires_grad for p in pupil.discriminator.parameters())


def test_no_gradient_reaches_the_results_while_it_learns() -> None:
    result = fakes(0).requires_grad_()
    adversary().learn(reals(0), result, step=0, seed=5)
    assert result.grad is None


def test_hinges_end_at_the_margin() -> None:
    logits = torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0])
    ones = torch.ones_like(logits)
    assert float(hinge(logits, ones)) == pytest.approx((3 + 2 + 1) / 5)
    assert float(hinge(logits, 0 * ones)) == pytest.approx((1 + 2 + 3) / 5)
    assert float(told_apart(1.5 * ones, -1.5 * ones)) == 0
    assert float(told_apart(0 * ones, 0 * ones)) == 2


def test_mixed_pictures_agree_with_their_masks() -> None:
    masks = cutmix_masks(6, SIZE, step=3, seed=5)
    assert masks.shape == (6, 1, *SIZE)
    mixed = mix(reals(0, 6), fakes(0, 6), masks)
    everywhere = masks.expand_as(mixed) == 1
    assert torch.equal(mixed[everywhere], reals(0, 6)[everywhere])
    assert torch.equal(mixed[~everywhere], fakes(0, 6)[~everywhere])


def test_a_mask_is_a_box_or_all_around_it_and_half_of_the_pixels_are_real() -> None:
    rng = np.random.default_rng(0)
    masks = [cutmix_mask((24, 32), rng)[0].numpy() for _ in range(400)]
    for mask in masks:
        assert set(np.unique(mask)) <= {0.0, 1.0}
        boxes = []
        for value in (0, 1):
            rows, columns = np.nonzero(mask == value)
            area = (np.ptp(rows) + 1) * (np.ptp(columns) + 1) if len(rows) else 0
            boxes.append(area == len(rows))
        assert any(boxes)
    assert np.mean(masks) == pytest.approx(0.5, abs=0.04)
    areas = [min(mask.mean(), 1 - mask.mean()) for mask in masks]
    assert np.mean(areas) == pytest.approx(0.25, abs=0.03)


def test_seed_and_step_decide_the_masks() -> None:
    first = cutmix_masks(3, SIZE, step=3, seed=5)
    assert torch.equal(first, cutmix_masks(3, SIZE, step=3, seed=5))
    assert torch.equal(first[:2], cutmix_masks(2, SIZE, step=3, seed=5))
    assert not torch.equal(first, cutmix_masks(3, SIZE, step=4, seed=5))
    assert not torch.equal(first, cutmix_masks(3, SIZE, step=3, seed=6))
    assert not torch.equal(first[0], first[1])


@pytest.mark.parametrize(("cutmix", "low", "high"), [(0.0, 0, 0), (0.5, 60, 140), (1.0, 200, 200)])
def test_as_many_batches_are_mixed_as_the_settings_say(cutmix: float, low: int, high: int) -> None:
    pupil = adversary(cutmix=cutmix)
    masks = [pupil.mask_for(reals(0), step, 5) for step in range(200)]
    mixed = [mask for mask in masks if mask is not None]
    assert low <= len(mixed) <= high
    if mixed:  # whether to mix says nothing about the boxes
        assert float(torch.cat(mixed).mean()) == pytest.approx(0.5, abs=0.1)
        areas = torch.cat(mixed).mean((1, 2, 3))
        assert float(torch.minimum(areas, 1 - areas).mean()) == pytest.approx(0.25, abs=0.04)


def test_nothing_is_mixed_before_the_verdict_counts() -> None:
    losses = learn(adversary(cutmix=1.0, start=2), range(4))
    assert [loss["adversary_mixed"] > 0 for loss in losses] == [False, False, True, True]
    assert [loss["adversary_consistency"] > 0 for loss in losses] == [False, False, True, True]
    assert len({tuple(loss) for loss in losses}) == 1


def test_a_pixelwise_discriminator_is_consistent() -> None:
    pupil = Adversary(section(cutmix=1.0), "cpu", Pixelwise())
    for loss in learn(pupil, range(3)):
        assert loss["adversary_consistency"] == pytest.approx(0, abs=1e-10)
        assert loss["adversary_mixed"] > 0
    looks_around = adversary(cutmix=1.0)
    assert learn(looks_around, range(1))[0]["adversary_consistency"] > 1e-6


@pytest.mark.parametrize("made", [Pixelwise, lambda: UNetDiscriminator(4, 2)])
def test_a_restored_adversary_goes_on_exactly(made: type) -> None:
    first = Adversary(section(), "cpu", made())
    learn(first, range(3))
    kept = state(first)
    assert any(key.endswith("._u") for key in kept)
    second = Adversary(section(), "cpu", made())
    second.restore({"network.weight": torch.ones(1), **kept})
    assert_equal(kept, state(second))
    assert learn(first, range(3, 7)) == learn(second, range(3, 7))
    assert_equal(state(first), state(second))


def test_its_tensors_survive_a_file() -> None:
    pupil, other = adversary(), adversary(seed=1)
    learn(pupil, range(2))
    other.restore(load(save(state(pupil))))
    assert_equal(state(pupil), state(other))


@pytest.mark.parametrize("width", [None, 8])
def test_a_checkpoint_of_another_adversary_is_refused(width: int | None) -> None:
    tensors = adversary(width=width).tensors() if width else {"network.weight": torch.ones(1)}
    with pytest.raises(UsageProblem, match=r"\[adversarial\]"):
        adversary().restore(tensors)


@pytest.mark.parametrize("broken", [torch.nan, torch.inf])
def test_steps_that_are_not_numbers_are_left_out(broken: float) -> None:
    pupil = adversary(cutmix=1.0)
    learn(pupil, range(2))
    weights = [p.clone() for p in pupil.discriminator.parameters()]
    moments = {k: v for k, v in state(pupil).items() if ".optimiser." in k}
    pupil.learn(reals(2), fakes(2) * broken, step=2, seed=5)
    after = list(pupil.discriminator.parameters())
    assert all(torch.equal(a, b) for a, b in zip(weights, after, strict=True))
    assert_equal(moments, {k: v for k, v in state(pupil).items() if ".optimiser." in k})
    assert all(np.isfinite(list(learn(pupil, range(3, 4))[0].values())))


def test_half_precision_around_it_is_obeyed_and_losses_stay_exact() -> None:
    whole, half = adversary(), adversary()
    with torch.autocast("cpu", torch.bfloat16):
        verdict = half.verdict(fakes(0))
        losses = half.learn(reals(0), fakes(0), step=0, seed=5)
    assert verdict.dtype == torch.float32
    assert float(verdict) == pytest.approx(float(whole.verdict(fakes(0))), abs=0.03)
    expected = whole.learn(reals(0), fakes(0), step=0, seed=5)
    assert losses != expected
    assert losses == pytest.approx(expected, abs=0.05)


# Learns on every n-th picture and saves what it has become.
SHARER = """
import sys
from pathlib import Path
import torch
from torch import distributed
from darkroom.learning.distributed import Team
from safetensors.torch import save_file
from darkroom.learning.adversary import Adversary
from darkroom.learning.config import AdversarialSection
folder, rank, processes = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(1)
if processes > 1:
    meeting = distributed.FileStore(str(folder / "meeting"), processes)
    distributed.init_process_group("gloo", store=meeting, rank=rank, world_size=processes)
torch.manual_seed(0)
settings = AdversarialSection(width=4, levels=2, cutmix=1.0, learning_rate=1e-3)
adversary = Adversary(settings, "cpu", team=Team(rank, processes))
for step in range(3):
    torch.manual_seed(step)
    real, fake = torch.rand(5, 3, 16, 16), 0.3 * torch.rand(5, 3, 16, 16)  # 3 and 2 of them
    if step == 1:
        fake[1] = torch.nan  # a picture of one process: no process takes this step
    adversary.learn(real[rank::processes], fake[rank::processes], step=step, seed=5)
tensors = {key: value.contiguous().clone() for key, value in adversary.tensors().items()}
save_file(tensors, folder / f"{rank}_of_{processes}.safetensors")
"""


@pytest.mark.slow
def test_two_processes_learn_what_one_does(tmp_path: Path) -> None:
    sharers = [
        subprocess.Popen([sys.executable, "-c", SHARER, str(tmp_path), str(rank), str(processes)])
        for rank, processes in ((0, 1), (0, 2), (1, 2))
    ]
    assert [sharer.wait(timeout=120) for sharer in sharers] == [0, 0, 0]
    alone, first, second = (
        load_file(tmp_path / f"{name}.safetensors") for name in ("0_of_1", "0_of_2", "1_of_2")
    )
    assert_equal(first, second)
    assert all(torch.allclose(alone[key], first[key], atol=1e-5) for key in alone)
