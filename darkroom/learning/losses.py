"""Losses by name: how two pictures are compared, and where.

A comparison is a number for two pictures. A view says what it sees of a result and its truth:
linear light, or what a display would show. `LOSSES` are for networks that answer in linear camera
RGB; `loss_of` gives the same comparisons for networks that answer in sRGB.
"""

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from darkroom.measure.colour_difference import EPSILON, SRGB_TO_XYZ, WHITE
from darkroom.measure.ms_ssim import weights_for
from darkroom.measure.ssim import C1, C2, window_matrix

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]  # of result, truth, camera_to_srgb
View = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]  # of the same
Comparison = Callable[[Tensor, Tensor], Tensor]

DECODE_KNEE = 0.04045  # of the coded values
KNEE = 0.0031308  # where the sRGB curve turns linear (IEC 61966-2-1)
SOFTNESS = 1e-3  # of the Charbonnier loss, as in Lai et al. 2017
STRUCTURE = 0.84  # share of MS-SSIM in the mix, Zhao et al. 2017
UNLIKE = 1e-4  # a likeness below it counts 0: the slope of its power has no bound there


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


def in_linear_light(result: Tensor, truth: Tensor, camera_to_srgb: Tensor) -> tuple[Tensor, Tensor]:
    """See both pictures as the network gives them."""
    return result, truth


def on_display(result: Tensor, truth: Tensor, camera_to_srgb: Tensor) -> tuple[Tensor, Tensor]:
    """See both pictures as a display would show them, unclipped."""
    return display(result, camera_to_srgb), display(truth, camera_to_srgb)


def as_srgb(result: Tensor, truth: Tensor, camera_to_srgb: Tensor) -> tuple[Tensor, Tensor]:
    """See an sRGB result as it is, beside the finished picture of the truth, within 0..1.

    This is what "Learning to See in the Dark" trains (Chen et al. 2018).
    """
    return result, display(truth, camera_to_srgb).clamp(0, 1)


def l1(result: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute difference."""
    return (result - truth).abs().mean()


def l2(result: Tensor, truth: Tensor) -> Tensor:
    """Mean squared difference: what PSNR measures."""
    return (result - truth).square().mean()


def charbonnier(result: Tensor, truth: Tensor) -> Tensor:
    """Mean of sqrt(difference^2 + 0.001^2): an L1 that is smooth around 0, where it is 0.001.

    Charbonnier et al. 1994, "Two deterministic half-quadratic regularization algorithms for
    computed imaging"; Lai et al. 2017, "Deep Laplacian Pyramid Networks", equation 2.
    """
    return ((result - truth).square() + SOFTNESS**2).sqrt().mean()


def lab(srgb: Tensor) -> Tensor:
    """Return CIELAB under D65 of sRGB (N, 3, H, W); values beyond 0..1 are cut."""
    srgb = srgb.clamp(0, 1)
    power = ((srgb.clamp(min=DECODE_KNEE) + 0.055) / 1.055) ** 2.4
    linear = torch.where(srgb <= DECODE_KNEE, srgb / 12.92, power)
    matrix = torch.from_numpy(SRGB_TO_XYZ / WHITE[:, None]).float().to(srgb.device)
    xyz = torch.einsum("ij,njhw->nihw", matrix, linear)
    root = xyz.clamp(min=EPSILON) ** (1 / 3)
    x, y, z = torch.where(xyz > EPSILON, root, xyz * (29 / 6) ** 2 / 3 + 4 / 29).unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def cie76(result: Tensor, truth: Tensor) -> Tensor:
    """Mean distance in CIELAB, in hundreds: what people see of a difference in colour.

    Smooth around 0, where it is 0.001. A channel beyond 0..1 is cut and learns nothing by it.
    """
    squares = (lab(result) - lab(truth)).square().sum(1)
    return (squares + (100 * SOFTNESS) ** 2).sqrt().mean() / 100


def lab_mix(result: Tensor, truth: Tensor) -> Tensor:
    """CIE 1976 difference in hundreds + L1 / 2 + 2 L2: colours as seen, and never far off."""
    difference = result - truth
    return cie76(result, truth) + difference.abs().mean() / 2 + 2 * difference.square().mean()


def ms_ssim_mix(result: Tensor, truth: Tensor) -> Tensor:
    """0.84 (1 - MS-SSIM) + 0.16 Gaussian-weighted L1: (N, 3, H, W) -> number.

    Zhao, Gallo, Frosio, Kautz 2017, "Loss Functions for Image Restoration with Neural Networks",
    section III-D. They blur one scale with five Gaussians; here the scales are those of
    `darkroom.measure.ms_ssim`, and the L1 is weighted by the window on the coarsest one.
    Pictures below 176 pixels have fewer scales: four from 88, three from 44, two from 22.
    Nothing is clipped, as in the other losses: within 0..1 MS-SSIM is the metric, and a result
    beyond white still learns. Where a picture has no likeness on some scale, the L1 teaches alone.

    Raises:
        ValueError: a side is below 11.
    """
    similarity, error = _similarity_and_error(result, truth)
    return STRUCTURE * (1 - similarity.mean()) + (1 - STRUCTURE) * error


def ms_ssim(result: Tensor, truth: Tensor) -> Tensor:
    """Return the MS-SSIM of every channel, (N, C): the metric as something to learn from."""
    return _similarity_and_error(result, truth)[0]


def _similarity_and_error(result: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Return MS-SSIM of every channel, (N, C), and the L1 as the coarsest window sees it."""
    weights = weights_for(min(truth.shape[-2:]))
    score, errors = torch.ones(truth.shape[:2], device=truth.device), (result - truth).abs()
    for scale, weight in enumerate(weights, 1):
        luminance, contrast = _likeness(result, truth)
        last = scale == len(weights)
        mean = (luminance * contrast if last else contrast).mean((2, 3))
        score = score * torch.where(mean > UNLIKE, mean.clamp(min=UNLIKE) ** weight, 0.0)
        if not last:
            result, truth, errors = halved(result), halved(truth), halved(errors)
    return score, _blur(errors).mean()


def _likeness(result: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Return the maps of luminance and of contrast and structure wherever the window fits."""
    mean_result, mean_truth = _blur(result), _blur(truth)
    product, squares = mean_result * mean_truth, mean_result.square() + mean_truth.square()
    covariance = _blur(result * truth) - product
    variances = _blur(result.square() + truth.square()) - squares
    luminance = (2 * product + C1) / (squares + C1)
    return luminance, (2 * covariance + C2) / (variances + C2)


def _blur(pictures: Tensor) -> Tensor:
    """Return the window's means, (N, C, H, W) -> (N, C, H - 10, W - 10)."""
    rows, columns = (_window(size, pictures.device) for size in pictures.shape[-2:])
    return rows @ pictures @ columns.T


@lru_cache(maxsize=32)
def _window(size: int, device: torch.device) -> Tensor:
    return torch.from_numpy(window_matrix(size)).float().to(device)


def halved(pictures: Tensor) -> Tensor:
    """Return the means of 2 x 2 pixels; the edge of an odd size is repeated first."""
    rows, columns = pictures.shape[-2:]
    return F.avg_pool2d(F.pad(pictures, (0, columns % 2, 0, rows % 2), mode="replicate"), 2)


def seen(compare: Comparison, view: View) -> Loss:
    """Return the loss that compares what the view shows of each picture.

    On a processor one picture at a time, because what a single patch needs fits into its cache.
    A batch is the mean of its pictures either way.
    """

    def loss(result: Tensor, truth: Tensor, camera_to_srgb: Tensor) -> Tensor:
        together = 1 if result.device.type == "cpu" else len(result)
        parts = (torch.split(each, together) for each in (result, truth, camera_to_srgb))
        costs = [compare(*view(*one)) for one in zip(*parts, strict=True)]
        return torch.stack(costs).mean()

    return loss


COMPARISONS: dict[str, tuple[Comparison, View]] = {
    "l1": (l1, in_linear_light),
    "l2": (l2, in_linear_light),
    "charbonnier": (charbonnier, in_linear_light),
    "l1-display": (l1, on_display),
    "l2-display": (l2, on_display),
    "charbonnier-display": (charbonnier, on_display),
    "ms-ssim-mix": (ms_ssim_mix, on_display),
    "lab-mix": (lab_mix, on_display),
}
LOSSES: dict[str, Loss] = {name: seen(*both) for name, both in COMPARISONS.items()}


def loss_of(name: str, output_space: str) -> Loss:
    """Return a loss for networks that answer in "camera-linear" or "srgb".

    An sRGB result is on the display already, so that "l1" and "l1-display" are one loss there;
    so is a near-infrared one.
    """
    return LOSSES[name] if output_space == "camera-linear" else seen(COMPARISONS[name][0], as_srgb)


def view_of(output_space: str) -> View:
    """Return the view in which both pictures are on the display: what an adversary looks at."""
    return on_display if output_space == "camera-linear" else as_srgb
