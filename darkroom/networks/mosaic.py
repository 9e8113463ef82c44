"""Planes as the mosaic they belong to: what networks give that denoise a frame and no more."""

import torch.nn.functional as F
from torch import Tensor

ROW_BY_ROW = [0, 1, 3, 2]  # the planes R, G, B, G2 in the order of their cell: R G over G2 B


def as_mosaic(planes: Tensor) -> Tensor:
    """Unfold planes R, G, B, G2 into a mosaic: (N, 4, h, w) -> (N, 1, 2h, 2w)."""
    return F.pixel_shuffle(planes[:, ROW_BY_ROW], 2)
