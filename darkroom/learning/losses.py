"""Losses by name. Each compares two linear pictures as a display would show them."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]

KNEE = 0.0031308  # where the sRGB curve turns linear (IEC 61966-2-1)


def display(linear: Tensor, camera_to_srgb: Tensor) -> Tensor:
    """Render linear camera RGB (N, 3, H, W) to sRGB without clipping, so that gradients survive.

    Args:
        linear: white-balanced linear camera RGB.
        camera_to_srgb: (N, 3, 3) colour matrices.

    Returns:
        The sRGB curve of the colours, continued above white and, as a straight line, below black.
    """
    colours = torch.einsum("nij,njhw->nihw", camera_to_srgb, linear)
    curve = 1.055 * colours.clamp(min=KNEE) ** (1 / 2.4) - 0.055
    return torch.where(colours > KNEE, curve, 12.92 * colours)


def display_errors(result: Tensor, truth: Tensor, camera_to_srgb: Tensor) -> Iterator[Tensor]:
    """Yield the difference on the display of each picture of a batch.

    One at a time, because what a single patch needs fits into a processor's cache.
    """
    for one, true, matrix in zip(result, truth, camera_to_srgb, strict=True):
        yield display(one[None], matrix[None]) - display(true[None], matrix[None])


def l1_display(result: Tensor, truth: Tensor, camera_to_srgb: Tensor) -> Tensor:
    """Mean absolute difference on the display."""
    errors = display_errors(result, truth, camera_to_srgb)
    return torch.stack([error.abs().mean() for error in errors]).mean()


def l2_display(result: Tensor, truth: Tensor, camera_to_srgb: Tensor) -> Tensor:
    """Mean squared difference on the display: what PSNR measures."""
    errors = display_errors(result, truth, camera_to_srgb)
    return torch.stack([error.square().mean() for error in errors]).mean()


LOSSES: dict[str, Loss] = {"l1-display": l1_display, "l2-display": l2_display}
