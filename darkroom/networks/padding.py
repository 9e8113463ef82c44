"""Sizes a network can take: pad to a multiple by reflection, cut back afterwards."""

import torch.nn.functional as F
from torch import Tensor


def pad_to_multiple(planes: Tensor, multiple: int) -> Tensor:
    """Extend (N, C, h, w) at the bottom and right until both sizes divide by `multiple`.

    The border mirrors the picture (without repeating its edge); a picture smaller than the border
    repeats its edge instead.
    """
    rows, columns = planes.shape[-2:]
    bottom, right = -rows % multiple, -columns % multiple
    if not bottom and not right:
        return planes
    mode = "reflect" if bottom < rows and right < columns else "replicate"
    return F.pad(planes, (0, right, 0, bottom), mode=mode)
