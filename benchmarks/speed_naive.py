"""A port of SID as it is usually written: eager float32, one RAW file after the other to a TIFF.

    python benchmarks/speed_naive.py WEIGHTS.pth OUT FILE ... [--tile 512] [--ratio 100]

After the test script of "Learning to See in the Dark" (Chen et al., CVPR 2018) and its PyTorch
ports: rawpy, packing in numpy, the whole frame at once or tiles of packed pixels, numpy, OpenCV's
deflate TIFF. Nothing of darkroom runs but the definition of the network. The last line of its
output is JSON: seconds by stage, summed over the files.
"""

import time

STARTED = time.perf_counter()

import argparse  # noqa: E402 - the clock starts before the imports, which are one of its stages
import json  # noqa: E402
from pathlib import Path  # noqa: E402

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402
import rawpy  # noqa: E402
import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from darkroom.networks.unet import UNet  # noqa: E402

FloatArray = npt.NDArray[np.float32]

OVERLAP = 32  # packed pixels that a tile carries on each side
DEFLATE = 8  # of TIFF; libtiff's level is 6


def load_network(weights: Path) -> nn.Module:
    """Return the network with its weights."""
    network = UNet()
    network.load_state_dict(torch.load(weights, weights_only=True))
    return network.eval()


def pack(raw: rawpy.RawPy, ratio: float) -> FloatArray:
    """Fold the mosaic into planes (h, w, 4), black subtracted, amplified and clipped."""
    counts = raw.raw_image_visible.astype(np.float32)
    black, white = raw.black_level_per_channel[0], raw.white_level
    mosaic = np.maximum(counts - black, 0) / np.float32(white - black)
    planes = np.concatenate(
        [mosaic[row::2, column::2, None] for row, column in ((0, 0), (0, 1), (1, 1), (1, 0))],
        axis=2,
    )
    return np.minimum(planes * ratio, 1).astype(np.float32)


def whole(network: nn.Module, planes: Tensor) -> Tensor:
    """Run the network on the whole frame (1, 4, h, w)."""
    picture: Tensor = network(planes)
    return picture


def tiled(network: nn.Module, planes: Tensor, tile: int) -> Tensor:
    """Run the network on tiles with a small overlap, whose margins are dropped."""
    rows, columns = planes.shape[-2:]
    picture = torch.zeros(1, 3, 2 * rows, 2 * columns)
    step = tile - 2 * OVERLAP
    for top in range(0, max(rows - 2 * OVERLAP, 1), step):
        for left in range(0, max(columns - 2 * OVERLAP, 1), step):
            y, x = max(min(top, rows - tile), 0), max(min(left, columns - tile), 0)
            piece = network(planes[..., y : y + tile, x : x + tile])
            drop_y, drop_x = (OVERLAP if y else 0), (OVERLAP if x else 0)
            picture[..., 2 * (y + drop_y) : 2 * (y + tile), 2 * (x + drop_x) : 2 * (x + tile)] = (
                piece[..., 2 * drop_y :, 2 * drop_x :]
            )
    return picture


def write(picture: FloatArray, target: Path) -> None:
    """Write a picture (H, W, 3), 0 to 1, as a TIFF of 16 bits."""
    pixels = (picture * 65535).astype(np.uint16)
    cv2.imwrite(str(target), pixels[..., ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, DEFLATE])


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("weights", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--tile", type=int, default=0)
    parser.add_argument("--ratio", type=float, default=100)
    return parser.parse_args()


def main() -> None:
    """Develop every file and tell the seconds."""
    marks = [("start", time.perf_counter() - STARTED)]
    options = parsed()

    def mark(stage: str, since: float) -> float:
        now = time.perf_counter()
        marks.append((stage, now - since))
        return now

    clock = time.perf_counter()
    network = load_network(options.weights)
    clock = mark("load", clock)
    for file in options.files:
        with rawpy.imread(str(file)) as raw:
            planes = pack(raw, options.ratio)
        clock = mark("read", clock)
        batch = torch.from_numpy(planes).permute(2, 0, 1)[None]
        with torch.no_grad():
            picture = tiled(network, batch, options.tile) if options.tile else whole(network, batch)
        clock = mark("network", clock)
        srgb = np.minimum(np.maximum(picture.permute(0, 2, 3, 1).cpu().numpy()[0], 0), 1)
        clock = mark("render", clock)
        write(srgb, options.out / f"{file.name}.tif")
        clock = mark("write", clock)
    stages = dict.fromkeys(name for name, _ in marks)
    print(json.dumps({s: sum(seconds for name, seconds in marks if name == s) for s in stages}))


if __name__ == "__main__":
    main()
