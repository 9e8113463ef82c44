"""L3, local, linear and learned: sort patches into classes, give every class its own affine map.

Inside a class of patches that are alike in brightness and contrast, one affine map from the patch
to the colour in its middle is enough. So a picture is rendered by a table of small kernels: exact,
fast, and each number of it can be looked at. After Tian, Lansel, Farrell, Wandell 2014, "Automating
the design of image processing pipelines for novel color filter arrays", and Jiang, Tian, Farrell,
Wandell 2017, "Learning the Image Processing Pipeline". The originals cut the border away and render
a class that nothing was learned for in black; here the border is mirrored and such a class takes
the kernel of the nearest learned one. `darkroom.learning.l3_fit` makes the table.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LOWEST_LEVEL, HIGHEST_LEVEL = -1.7, -0.12  # decimal exponents of the outer cuts
LOWEST_CONTRAST, HIGHEST_CONTRAST = -2.3, -1.4
SATURATED = 0.95
STRIP = 1 << 16  # pixels rendered at once: what they need stays in the processor's cache
MOST_INPUTS, MOST_OUTPUTS, LARGEST_PATCH, MOST_CLASSES = 8, 8, 31, 4096


class L3(nn.Module):
    """A table of affine maps: planes (N, inputs, h, w) of 0..1 in, (N, outputs, h, w) of 0..1 out.

    Untrained, it shows the mean of its planes in every output.

    Args:
        inputs: planes of a picture, 1 to 8.
        outputs: planes that are made of it, 1 to 8.
        patch: pixels of a patch's side; odd, at most 31.
        levels: number of cuts between levels of brightness; N cuts make N + 1 levels.
        contrasts: number of cuts between levels of contrast.
        saturation: whether patches with saturated pixels are classes of their own.

    Raises:
        ValueError: a number is out of its range, or there would be more than 4096 classes.
    """

    level_cuts: Tensor  # (levels,), ascending; so are the next
    contrast_cuts: Tensor  # (contrasts,)
    kernels: Tensor  # (classes, 1 + inputs * patch**2, outputs): constant, then plane by plane
    learned: Tensor  # (classes,) 1 where the kernel was learned, else 0

    def __init__(
        self,
        inputs: int = 1,
        outputs: int = 3,
        patch: int = 5,
        levels: int = 40,
        contrasts: int = 3,
        *,
        saturation: bool = False,
    ) -> None:
        super().__init__()
        self.table_shape = table_shape(inputs, levels, contrasts, saturation=saturation)
        self.config = checked(inputs, outputs, patch, levels, contrasts, saturation=saturation)
        self.inputs, self.outputs, self.patch, self.saturation = inputs, outputs, patch, saturation
        self.halo, self.multiple_of = patch // 2, 1
        # Half again of what it needs: plans for bfloat16, which it does not use, take two thirds.
        self.bytes_per_pixel = 6 * (3 * inputs + outputs)
        count = self.table_shape[0] * self.table_shape[1] * self.table_shape[2]
        grey = torch.zeros(count, 1 + inputs * patch**2, outputs)
        grey[:, 1 + patch**2 // 2 :: patch**2] = 1 / inputs
        self.register_buffer("level_cuts", torch.logspace(LOWEST_LEVEL, HIGHEST_LEVEL, levels))
        contrast_cuts = torch.logspace(LOWEST_CONTRAST, HIGHEST_CONTRAST, contrasts)
        self.register_buffer("contrast_cuts", contrast_cuts)
        self.register_buffer("kernels", grey)
        self.register_buffer("learned", torch.ones(count))

    def forward(self, planes: Tensor, noise: Tensor | None = None) -> Tensor:
        """Render planes in float32, also under autocast; the noise level is not used."""
        count, _, rows, columns = planes.shape
        table = self.complete_kernels().permute(1, 2, 0).contiguous()  # (1 + features, outputs, k)
        padded = pad_around(planes.float(), self.halo)
        picture = padded.new_empty(count, self.outputs, rows, columns)
        for start, stop in strips(rows, count * columns):
            strip = padded[..., start : stop + 2 * self.halo, :]
            picture[..., start:stop, :] = self.render(strip, table)
        return picture

    def render(self, strip: Tensor, table: Tensor) -> Tensor:
        """Map (N, inputs, h + 2 halo, w + 2 halo) to (N, outputs, h, w).

        Pixel by pixel the same sum in the same order, so that a tile gives what the whole gives.
        """
        labels = self.classify(strip)
        flat = labels.flatten()
        picture = table[0].index_select(1, flat)
        for weights, pixels in zip(table[1:], neighbours(strip, self.patch), strict=True):
            picture = picture.addcmul_(weights.index_select(1, flat), pixels.flatten())
        return picture.view(self.outputs, *labels.shape).movedim(0, 1).clamp(0, 1)

    def classify(self, strip: Tensor) -> Tensor:
        """Return the class of each whole patch: (N, inputs, h + 2 halo, w + 2 halo) -> (N, h, w).

        A level of a statistic is the index of the first cut at or above it; the class is
        `level + levels * (contrast + contrasts * saturation)`, with the numbers of levels.
        """
        saturations, contrasts, levels = self.table_shape
        means = patch_sums(strip, self.patch) / self.patch**2
        labels = torch.bucketize(mean_plane(means), self.level_cuts)
        if contrasts > 1:
            contrast = contrast_of(strip, means, self.patch)
            labels += levels * torch.bucketize(contrast, self.contrast_cuts)
        if saturations > 1:
            labels += levels * contrasts * saturation_of(strip, self.patch)
        return labels

    def classify_whole(self, planes: Tensor) -> Tensor:
        """Classify all whole patches of (N, inputs, h, w): (N, h - 2 halo, w - 2 halo) int16."""
        count, _, rows, columns = planes.shape
        border = 2 * self.halo
        labels = planes.new_empty(count, rows - border, columns - border, dtype=torch.int16)
        for start, stop in strips(rows - border, count * columns):
            labels[:, start:stop] = self.classify(planes[..., start : stop + border, :].float())
        return labels

    def complete_kernels(self) -> Tensor:
        """Return the kernels, those that were not learned replaced by the nearest learned."""
        learned = self.learned > 0.5
        if bool(learned.all()) or not bool(learned.any()):
            return self.kernels
        return self.kernels[nearest_learned(learned.view(self.table_shape))]


def table_shape(
    inputs: int, levels: int, contrasts: int, *, saturation: bool
) -> tuple[int, int, int]:
    """Return the numbers of classes along saturation, contrast and level.

    >>> table_shape(3, 40, 3, saturation=True)
    (8, 4, 41)
    """
    if not 1 <= inputs <= MOST_INPUTS:
        raise ValueError(f"inputs must be 1 to {MOST_INPUTS}, not {inputs}")
    if min(levels, contrasts) < 0:
        raise ValueError("levels and contrasts must be 0 or more")
    return (1 << inputs if saturation else 1), contrasts + 1, levels + 1


def checked(
    inputs: int, outputs: int, patch: int, levels: int, contrasts: int, *, saturation: bool
) -> dict[str, bool | int]:
    """Return the arguments of an `L3` by name, as its card holds them.

    Raises:
        ValueError: one is out of its range.
    """
    if not 1 <= outputs <= MOST_OUTPUTS:
        raise ValueError(f"outputs must be 1 to {MOST_OUTPUTS}, not {outputs}")
    if not 1 <= patch <= LARGEST_PATCH or patch % 2 == 0:
        raise ValueError(f"patch must be odd and at most {LARGEST_PATCH}, not {patch}")
    saturations, *others = table_shape(inputs, levels, contrasts, saturation=saturation)
    if (classes := saturations * others[0] * others[1]) > MOST_CLASSES:
        raise ValueError(f"there would be {classes} classes; at most {MOST_CLASSES} are possible")
    return {
        "inputs": inputs,
        "outputs": outputs,
        "patch": patch,
        "levels": levels,
        "contrasts": contrasts,
        "saturation": saturation,
    }


def pad_around(planes: Tensor, border: int) -> Tensor:
    """Mirror (N, C, h, w) at its edges, without repeating them; a side too short repeats its edge.

    The sides decide for themselves, so that a tile does what the whole picture does.
    """
    rows, columns = planes.shape[-2:]
    modes = ["reflect" if border < size else "replicate" for size in (rows, columns)]
    planes = F.pad(planes, (border, border, 0, 0), mode=modes[1])
    return F.pad(planes, (0, 0, border, border), mode=modes[0])


def strips(rows: int, columns: int) -> Iterator[tuple[int, int]]:
    """Yield the first row of each strip of about `STRIP` pixels, and the row after its last.

    >>> list(strips(5, 1 << 15))
    [(0, 2), (2, 4), (4, 5)]
    """
    height = max(STRIP // max(columns, 1), 1)
    return ((start, min(start + height, rows)) for start in range(0, rows, height))


def neighbours(strip: Tensor, patch: int) -> Iterator[Tensor]:
    """Yield the pixels of all patches in the order of a kernel: plane by plane, row by row.

    Each is (N, h, w) for a strip (N, C, h + patch - 1, w + patch - 1).
    """
    rows, columns = (size - patch + 1 for size in strip.shape[-2:])
    for plane in strip.unbind(1):
        for row in range(patch):
            for column in range(patch):
                yield plane[:, row : row + rows, column : column + columns]


def patch_sums(planes: Tensor, patch: int) -> Tensor:
    """Sum over patches, (..., h + patch - 1, w + patch - 1) -> (..., h, w).

    By shifted additions, whose rounding is the same wherever a patch lies: a running sum, or a
    sum in blocks, would let a patch change its class with the tile it is in.
    """
    for axis in (-1, -2):
        size = planes.shape[axis] - patch + 1
        total = planes.narrow(axis, 0, size).clone()
        for shift in range(1, patch):
            total = total.add_(planes.narrow(axis, shift, size))
        planes = total
    return planes


def mean_plane(planes: Tensor) -> Tensor:
    """Return the mean of the planes, (N, C, h, w) -> (N, h, w), added up in order, as above."""
    first, *others = planes.unbind(1)
    return sum(others, first) / (1 + len(others))


def contrast_of(strip: Tensor, means: Tensor, patch: int) -> Tensor:
    """Return the standard deviation within patches, (N, h, w): the root of the planes' mean."""
    variances = patch_sums(strip * strip, patch) / patch**2 - means * means
    return mean_plane(variances.clamp(min=0)).sqrt()


def saturation_of(strip: Tensor, patch: int) -> Tensor:
    """Return the sum of 2**c over the planes c with a pixel above 0.95 in the patch, (N, h, w)."""
    saturated = patch_sums((strip > SATURATED).float(), patch) > 0
    bits = 2 ** torch.arange(strip.shape[1], device=strip.device)
    return (saturated * bits[:, None, None]).sum(1)


def nearest_learned(learned: Tensor) -> Tensor:
    """Return for each class the nearest learned one, the first of several, (classes,) int64.

    Args:
        learned: (saturations, contrasts, levels) bool, one of them at least true; the distance
            is the number of steps along the three.
    """
    places = learned.nonzero()
    everywhere = torch.ones_like(learned).nonzero()
    known = learned.flatten().nonzero().flatten()
    steps = torch.cdist(everywhere.float(), places.float(), p=1)
    return known[steps.argmin(1)]
