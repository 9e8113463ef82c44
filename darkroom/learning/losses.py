"""Losses by name. Each compares two linear pictures as a display would show them."""

from collections.abc import Callable

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


def l1_display(result: Tensor, truth: Tensor, camera_to_srgb: Tensor) -> Tensor:
    """Mean absolute difference on the display."""
    return (display(result, camera_to_srgb) - display(truth, camera_to_srgb)).abs().mean()


def l2_display(result: Tensor, truth: Tensor, camera_to_srgb: Tensor) -> Tensor:
    """Mean squared difference on the display: what PSNR measures."""
    return (display(result, camera_to_srgb) - display(truth, camera_to_srgb)).square().mean()


LOSSES: dict[str, Loss] = {"l1-display": l1_display, "l2-display": l2_display}
