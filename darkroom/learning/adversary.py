"""Adversarial training: a second network learns to tell results from truths.

Schoenfeld, Schiele, Khoreva 2020, "A U-Net Based Discriminator for Generative Adversarial
Networks": the discriminator judges the picture as a whole and every pixel of it (equations 3 and
4), the verdicts on both teach the network (equation 5), and on pictures put together from a truth
and a result (equation 6) the pixels' verdicts have to be put together likewise (equation 7).
What differs: the losses are hinges, as in Miyato et al. 2018, where the equations write logarithms.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, islice

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from darkroom.errors import UsageProblem
from darkroom.learning.checkpoints import optimiser_tensors, part_of, restore_optimiser
from darkroom.learning.config import AdversarialSection
from darkroom.learning.distributed import ALONE, Team, total
from darkroom.networks.discriminator import UNetDiscriminator

CONSISTENCY = 1.0  # weight of equation 7, the paper's
STREAM = 2020  # keeps the boxes' random numbers apart from those of the pictures
PREFIX = "adversary."


class Adversary:
    """The discriminator of a run and its optimiser.

    Both calls obey an autocast around them, in bfloat16, which needs no gradient scaler. In a
    team every process calls `learn` on its share of the batch, and all discriminators stay equal.

    Args:
        section: size, learning rate and mixing.
        device: where it learns.
        discriminator: in place of a new `UNetDiscriminator`; has to be called the same way.
        team: the processes that learn together.
    """

    def __init__(
        self,
        section: AdversarialSection,
        device: str,
        discriminator: nn.Module | None = None,
        team: Team = ALONE,
    ) -> None:
        made = discriminator or UNetDiscriminator(section.width, section.levels)
        self.section = section
        self.team = team
        self.discriminator = made.to(device)
        self.optimiser = torch.optim.Adam(
            self.discriminator.parameters(),
            lr=section.learning_rate,
            betas=(0.0, 0.99),
            fused=True,
        )

    def learn(
        self, real_display: Tensor, fake_display: Tensor, *, step: int, seed: int
    ) -> dict[str, float]:
        """Learn from truths and results; a step that is not finite is left out.

        Args:
            real_display: truths on the display, (N, 3, H, W), about 0 to 1.
            fake_display: results seen the same way; no gradient flows back into them.
            step: step of the run; with `seed` it decides what is mixed.
            seed: seed of the run.

        Returns:
            The losses before the step: "adversary_global" and "adversary_pixels" of truths and
            results, "adversary_mixed" and "adversary_consistency" of mixed pictures, 0 without.
        """
        real, fake = real_display.detach().float(), fake_display.detach().float()
        mask = self.mask_for(real, step, seed)
        self.optimiser.zero_grad(set_to_none=True)
        losses = self.losses(real, fake, mask)
        weight = len(real) / self.average(real.new_tensor(len(real)))  # shares differ by one
        parts = torch.stack(list(losses.values())) * weight
        parts.sum().backward()  # type: ignore[no-untyped-call]
        values = self.average(parts.detach())
        parameters = list(self.discriminator.parameters())
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad = self.average(parameter.grad)
        length = nn.utils.clip_grad_norm_(parameters, torch.inf)  # measured, not clipped
        if bool(torch.isfinite(values).all()) and bool(torch.isfinite(length)):
            self.optimiser.step()
        return dict(zip(losses, values.tolist(), strict=True))

    def average(self, values: Tensor) -> Tensor:
        """Return the mean of a tensor over the processes that learn together."""
        return total(values, self.team) / self.team.size

    def losses(self, real: Tensor, fake: Tensor, mask: Tensor | None) -> dict[str, Tensor]:
        """Return the parts of the discriminator's loss; a mask says which pixels to mix.

        All pictures go through in one batch: spectral normalisation changes the weights a little
        with every pass, and equation 7 compares verdicts of the same weights.
        """
        pictures = [real, fake] if mask is None else [real, fake, mix(real, fake, mask)]
        judged = self.judge(torch.cat(pictures))
        whole, pixels = (logits.chunk(len(pictures)) for logits in judged)
        mixed, consistency = real.new_zeros(()), real.new_zeros(())
        if mask is not None:
            # A mixed picture is a fake as a whole; of its pixels the mask knows.
            mixed = hinge(whole[2], torch.zeros_like(whole[2])) + hinge(pixels[2], mask)
            difference = pixels[2] - mix(pixels[0], pixels[1], mask)
            consistency = CONSISTENCY * difference.square().mean()
        return {
            "adversary_global": told_apart(whole[0], whole[1]),
            "adversary_pixels": told_apart(pixels[0], pixels[1]),
            "adversary_mixed": mixed,
            "adversary_consistency": consistency,
        }

    def verdict(self, fake_display: Tensor) -> Tensor:
        """Return what the results cost the network: less, the more they look like truths.

        Equation 5 as a hinge has it: the mean of minus the global logits and of minus the pixels'
        logits, half of each. The discriminator stays as it is, gradients and all.
        """
        with frozen(self.discriminator):
            whole, pixels = self.judge(fake_display)
        return -(whole.mean() + pixels.mean()) / 2

    def judge(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of each picture and of each pixel in float32."""
        kind = pictures.device.type
        with torch.autocast(kind, torch.bfloat16, enabled=torch.is_autocast_enabled(kind)):
            whole, pixels = self.discriminator(pictures.float())
        return whole.float(), pixels.float()

    def mask_for(self, real: Tensor, step: int, seed: int) -> Tensor | None:
        """Return which pixels of this step's mixed pictures are real; None if it mixes none."""
        mixes = np.random.default_rng((STREAM, seed, step)).random() < self.section.cutmix
        if step < self.section.start or not mixes:
            return None
        size = (real.shape[2], real.shape[3])
        masks = cutmix_masks(len(real), size, step=step, seed=seed, team=self.team)
        return masks.to(real.device)

    def tensors(self) -> dict[str, Tensor]:
        """Return the discriminator, spectral vectors included, and its moments for a checkpoint."""
        weights = self.discriminator.state_dict()
        named = {f"network.{key}": value for key, value in weights.items()}
        named |= optimiser_tensors(self.optimiser, self.discriminator)
        return {PREFIX + key: value for key, value in named.items()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go on from the tensors of a checkpoint; those of others in it are passed over.

        Raises:
            UsageProblem: they hold no adversary, or one of another size.
        """
        own = part_of(tensors, PREFIX)
        try:
            self.discriminator.load_state_dict(part_of(own, "network."))
        except RuntimeError:
            raise UsageProblem(
                "the checkpoint was trained without this adversary; put [adversarial] back as it "
                "was, or start a new run with these weights as model.init"
            ) from None
        restore_optimiser(self.optimiser, self.discriminator, part_of(own, "optimiser."))


def hinge(logits: Tensor, real: Tensor) -> Tensor:
    """Return the mean hinge loss of logits; `real` is 1 for what should be real, 0 for fakes."""
    return F.relu(1 - (2 * real - 1) * logits).mean()


def told_apart(of_real: Tensor, of_fake: Tensor) -> Tensor:
    """Return the loss of equation 3 or 4 as a hinge: 0 once both are a margin of 1 away from 0."""
    return hinge(of_real, torch.ones_like(of_real)) + hinge(of_fake, torch.zeros_like(of_fake))


def mix(real: Tensor, fake: Tensor, mask: Tensor) -> Tensor:
    """Return `real` where the mask (N, 1, H, W) is 1 and `fake` where it is 0: equation 6."""
    return torch.where(mask > 0, real, fake)


def cutmix_masks(
    pictures: int, size: tuple[int, int], *, step: int, seed: int, team: Team = ALONE
) -> Tensor:
    """Draw the masks of this process's pictures, (N, 1, H, W).

    Seed, step and a picture's place in the whole batch decide alone.
    """
    # Places from 1: numpy takes a missing number for 0, and `mask_for` has drawn from that.
    places = islice(count(1 + team.rank, team.size), pictures)
    rngs = (np.random.default_rng((STREAM, seed, step, place)) for place in places)
    return torch.stack([cutmix_mask(size, rng) for rng in rngs])


def cutmix_mask(size: tuple[int, int], rng: np.random.Generator) -> Tensor:
    """Draw a mask, (1, H, W), 1 where a mixed picture is real and 0 where it is fake.

    A box of a uniformly drawn area (CutMix, Yun et al. 2019) is real, or all around it. It lies
    within the picture; in the paper it is cut off at the border.
    """
    side = rng.random() ** 0.5  # as a share of the picture's
    height, width = (max(1, round(length * side)) for length in size)
    top, left = rng.integers(size[0] - height + 1), rng.integers(size[1] - width + 1)
    inside = float(rng.random() < 0.5)
    mask = torch.full((1, *size), 1 - inside)
    mask[:, top : top + height, left : left + width] = inside
    return mask


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Let gradients pass through a network without leaving any, nor moving spectral vectors."""
    network.eval().requires_grad_(False)
    try:
        yield
    finally:
        network.train().requires_grad_(True)
