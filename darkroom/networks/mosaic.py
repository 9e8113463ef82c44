"""Planes as the mosaic they belong to: what networks give that denoise a frame and no more."""

import torch
import torch.nn.functional as F
from torch import Tensor

ROW_BY_ROW = [0, 1, 3, 2]  # the planes R, G, B, G2 in the order of their cell: R G over G2 B


def as_mosaic(planes: Tensor) -> Tensor:
    """Unfold planes R, G, B, G2 into a mosaic: (N, 4, h, w) -> (N, 1, 2h, 2w)."""
    return F.pixel_shuffle(row_by_row(planes), 2)


def row_by_row(planes: Tensor) -> Tensor:
    """Return planes (N, 4, h, w) in the order of their cell."""
    # A list as index would wait for a GPU.
    return torch.stack([planes[:, plane] for plane in ROW_BY_ROW], 1)
