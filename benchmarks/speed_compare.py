"""Compare pictures of the speed benchmark; prints JSON.

    python benchmarks/speed_compare.py pair ONE.tif OTHER.tif
    python benchmarks/speed_compare.py truths RESULTS TRUTHS

`truths` takes a folder of pictures NAME.dng.tif and one of truths NAME.*, and means over all.
"""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from darkroom.measure.psnr import psnr
from darkroom.picture.load import load_picture

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)  # TIFFs have private tags
SUFFIX = ".dng.tif"


def levels(path: Path) -> npt.NDArray[np.uint16]:
    """Return the 16-bit values of a picture."""
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), np.uint16)


def distinct(path: Path) -> int:
    """Count the values that occur in a picture; few of them are bands in soft gradients."""
    return int(np.count_nonzero(np.bincount(levels(path).ravel(), minlength=1 << 16)))


def pair(one: Path, other: Path) -> dict[str, float]:
    """Return how far apart two pictures are, in 16-bit levels."""
    gap = cv2.absdiff(levels(one), levels(other))
    return {"largest": int(gap.max()), "mean": round(float(gap.mean()), 4)}


def truths(results: Path, folder: Path) -> dict[str, object]:
    """Return the PSNR of every result to its truth, and the means of PSNR and distinct values."""
    originals = {path.stem: path for path in folder.iterdir()}
    found = sorted(results.glob(f"*{SUFFIX}"))
    names = [path.name.removesuffix(SUFFIX) for path in found]
    each = {
        name: round(psnr(load_picture(originals[name]), load_picture(path)), 4)
        for name, path in zip(names, found, strict=True)
    }
    return {
        "psnr": round(float(np.mean(list(each.values()))), 4),
        "distinct": round(float(np.mean([distinct(path) for path in found]))),
        "each": each,
    }


def main() -> None:
    """Compare what is named."""
    what, one, other = sys.argv[1:]
    print(json.dumps((pair if what == "pair" else truths)(Path(one), Path(other))))


if __name__ == "__main__":
    main()
