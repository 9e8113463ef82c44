"""Put labelled 1:1 crops of dark frames side by side: truth, LibRaw, the best peers, darkroom.

    python benchmarks/crops.py PICTURE [PICTURE ...] --record results.json -o crops.png
        [--condition CAMERA:ISO:RATIO] [--model NAME|PATH ...] [--at ACROSS,DOWN] [--size N]
    python benchmarks/crops.py --raw DIR --record results.json -o crops.png

Each row is one picture. The frames and the settings of the peers are those of the record that
quality.py wrote; PSNR stands over each crop and is the whole picture's.
"""

import argparse
import json
import tempfile
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from dark_frames import Condition, Method, Setting, Srgb, make_frame, parse_condition
from quality import PEERS, darkroom_methods
from quality_record import Record
from raw_scenes import scene_truths

from darkroom.measure.psnr import psnr
from darkroom.picture.load import load_picture

SHOWN = ("LibRaw AHD", "LibRaw + NLM best", "darktable best", "RawTherapee best")
LABEL = 22  # rows above each crop
GAP = 4
Pixels = npt.NDArray[np.uint8]


def crop(picture: Srgb, size: int, at: tuple[float, float]) -> Pixels:
    """Return a square of sRGB in 8 bits; `at` is its place, 0 to 1 across and down.

    >>> crop(np.eye(4, dtype=np.float32)[..., None], 2, (1, 0))[..., 0].tolist()
    [[0, 0], [0, 0]]
    """
    left, top = (
        round((length - size) * a) for length, a in zip(picture.shape[1::-1], at, strict=True)
    )
    square = picture[top : top + size, left : left + size]
    return np.rint(square * 255).astype(np.uint8)


def labelled(square: Pixels, text: str) -> Pixels:
    """Return a crop with its label above and a gap around."""
    width = square.shape[1]
    strip = np.full((LABEL, width, 3), 255, np.uint8)
    scale = min(0.42, 0.42 * width / (7.5 * len(text)))
    cv2.putText(strip, text, (2, 15), cv2.FONT_HERSHEY_SIMPLEX, scale, (0, 0, 0), 1, cv2.LINE_AA)
    framed = np.vstack([strip, square])
    return np.pad(framed, ((0, GAP), (0, GAP), (0, 0)), constant_values=255)


def best_setting(rows: Record, name: str) -> Setting:
    """Return the setting that the record holds for a peer."""
    if name not in rows:
        raise SystemExit(f"the record lacks {name} for this condition; run quality.py first")
    setting: Setting = rows[name]["setting"]
    return setting


def sheet_row(
    truth: Path, condition: Condition, seed: int, methods: dict[str, tuple[Method, Setting]]
) -> list[tuple[str, Srgb]]:
    """Return every picture of a row and its label."""
    wanted = load_picture(truth)
    row = [("truth", wanted)]
    with tempfile.TemporaryDirectory() as folder:
        dng = make_frame(truth, condition, seed, Path(folder))
        for name, (method, setting) in methods.items():
            (picture,) = method.develop([dng], condition, setting)
            row.append((f"{name} {psnr(wanted, picture):.2f} dB", picture))
    return row


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", type=Path, nargs="*")
    parser.add_argument("--raw", type=Path, help="folder of the clean RAW frames, instead")
    parser.add_argument("--record", type=Path, required=True)
    parser.add_argument("--condition", type=parse_condition, default="sony-a7s2:3200:100")
    parser.add_argument("--model", action="append", help="a column for each")
    parser.add_argument("--at", default="0.5,0.5", help="place of the crop, 0 to 1 across,down")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("-o", "--out", type=Path, required=True)
    return parser.parse_args()


def main() -> None:
    """Develop every picture in every way and write the sheet."""
    options = parsed()
    record: Record = json.loads(options.record.read_text())
    rows = record["results"].get(str(options.condition), {})
    peers = {name: (PEERS[name], best_setting(rows, name)) for name in SHOWN}
    ours = darkroom_methods(options.model or ["fast-unet"])
    methods = peers | {name: (method, method.grid[0]) for name, method in ours.items()}
    across, down = (float(part) for part in options.at.split(","))
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for truth in scene_truths(options.raw, Path(folder)) if options.raw else options.pictures:
            seed = record["pictures"].index(truth.stem)
            row = sheet_row(truth, options.condition, seed, methods)
            squares = [
                labelled(crop(picture, options.size, (across, down)), text) for text, picture in row
            ]
            lines.append(np.hstack(squares))
    cv2.imwrite(str(options.out), np.vstack(lines)[..., ::-1])


if __name__ == "__main__":
    main()
