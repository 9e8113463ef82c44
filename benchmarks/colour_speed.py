"""Time a large near-infrared picture from file to file: seconds by stage, and peak memory.

    python benchmarks/colour_speed.py PICTURE [-o RECORD] [--megapixels 12] [--repeats 5]

The picture is enlarged to the wanted size and saved as a grey 8-bit JPEG and a 16-bit TIFF.
`darkroom colorize --json` colours each in a process of its own; the medians of its stages are
printed. The detail stage is timed alone as well: lines fitted at the network's size and followed at
full size.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from record import write_record
from speed_process import finished

from darkroom.picture.detail import with_detail
from darkroom.picture.guided_filter import GuidedFilter
from darkroom.picture.load import load_grey

STAGES = ("read", "network", "detail", "render", "write")


def enlarged(picture: Path, megapixels: float) -> np.ndarray:
    """Return the grey picture, in 16 bits, at about so many megapixels."""
    grey = load_grey(picture, channel="mean")
    scale = (megapixels * 1e6 / grey.size) ** 0.5
    large = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return np.rint(np.clip(large, 0, 1) * 65535).astype(np.uint16)


def coloured(file: Path, folder: Path) -> dict[str, float]:
    """Colour a file in a process of its own; return the seconds of its stages."""
    options = ["-o", folder, "--json", "-q", "--overwrite"]
    done = finished([sys.executable, "-m", "darkroom", "colorize", file, *options])
    record = json.loads(done.output.splitlines()[-1])
    seconds = {stage: milliseconds / 1000 for stage, milliseconds in record["t_ms"].items()}
    return {**seconds, "process": done.seconds, "peak MB": done.peak_mb}


def detail_alone(guide: np.ndarray, repeats: int) -> float:
    """Return the best seconds of the guided filter from a picture of 256 pixels to the guide."""
    rows = round(256 * guide.shape[0] / guide.shape[1])
    small = np.random.default_rng(0).random((3, rows, 256), np.float32)
    seconds = []
    for _ in range(3 * repeats):
        started = time.perf_counter()
        with_detail(small, guide, GuidedFilter(radius=5, eps=1e-5))
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def main() -> None:
    """Time all, print the table, write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("-o", "--out", type=Path)
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    large, results = enlarged(options.picture, options.megapixels), {}
    with TemporaryDirectory(prefix="darkroom-") as name:
        folder = Path(name)
        cv2.imwrite(str(folder / "nir.jpg"), (large >> 8).astype(np.uint8))
        cv2.imwrite(str(folder / "nir.tif"), large)
        for file in ("nir.jpg", "nir.tif"):
            runs = [coloured(folder / file, folder / "out") for _ in range(options.repeats)]
            results[file] = {
                k: round(statistics.median(run[k] for run in runs), 3) for k in runs[0]
            }
    alone = detail_alone((large / np.float32(65535)).astype(np.float32), options.repeats)
    columns = (*STAGES, "process", "peak MB")
    print("| file | " + " | ".join(columns) + " |\n" + "|---" * (len(columns) + 1) + "|")
    for file, row in results.items():
        print(f"| {file} | " + " | ".join(f"{row.get(stage, 0):g}" for stage in columns) + " |")
    print(f"guided filter alone: {alone:.3f} s")
    if options.out:
        facts = {
            "pixels": list(large.shape),
            "repeats": options.repeats,
            "median seconds": results,
            "guided filter alone, best": round(alone, 4),
        }
        write_record(options.out, facts)


if __name__ == "__main__":
    main()
