"""Compare darkroom's colours with LibRaw's own rendering of real RAW files, at ratio 1.

    python benchmarks/real_files.py FOLDER [--model NAME|PATH] [-o results.json]

Both develop with the same exposure, the camera's white balance and LibRaw's tone curve. The mean
difference (CIE76 and CIEDE2000) is taken over all pixels; it holds the noise that darkroom
removed. Files that darkroom refuses are listed with its reason.
"""

import argparse
import json
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rawpy

from darkroom.batch.decoder import Decoder
from darkroom.batch.plan import single_job
from darkroom.camera.exposure import parse_ratio
from darkroom.enhance import Enhancer, Settings, enhance_file, load_enhancer
from darkroom.errors import FileProblem
from darkroom.measure.colour_difference import delta_e_76, delta_e_2000, srgb_to_lab
from darkroom.picture.load import load_picture

ROWS = 256  # at a time: colour differences need much memory


def libraw_rendering(path: Path) -> npt.NDArray[np.float32]:
    """Return LibRaw's AHD picture with its default curve, no automatic brightening."""
    with rawpy.imread(str(path)) as raw:
        levels = raw.postprocess(
            use_camera_wb=True, no_auto_bright=True, output_bps=16, adjust_maximum_thr=0
        )
    return levels.astype(np.float32) / 65535


def difference(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> dict[str, float]:
    """Return the mean colour differences of two pictures of one size."""
    sums, pixels = np.zeros(2), first.shape[0] * first.shape[1]
    for top in range(0, len(first), ROWS):
        labs = [srgb_to_lab(picture[top : top + ROWS]) for picture in (first, second)]
        sums += [delta_e_76(*labs).sum(), delta_e_2000(*labs).sum()]
    return {"dE76": round(float(sums[0] / pixels), 2), "dE2000": round(float(sums[1] / pixels), 2)}


def judge(path: Path, enhancer: Enhancer) -> dict[str, object]:
    """Return what became of one file."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "out.tif"
        try:
            report = enhance_file(single_job(path, target), enhancer)
        except FileProblem as problem:
            return {"refused": str(problem)}
        return {
            "camera": report.camera,
            "warnings": list(report.warnings),
            **difference(load_picture(target), libraw_rendering(path)),
        }


def main() -> None:
    """Judge every file, print a table, write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="fast-unet")
    parser.add_argument("-o", "--out", type=Path)
    options = parser.parse_args()
    settings = Settings(ratio=parse_ratio("1"), model=options.model, tone="libraw")
    enhancer = load_enhancer(settings, Decoder())
    results = {path.name: judge(path, enhancer) for path in sorted(options.folder.iterdir())}
    for name, result in results.items():
        shown = result.get("refused") or f"dE76 {result['dE76']}, dE2000 {result['dE2000']}"
        print(f"{name}: {shown}")
    if options.out:
        record = {"date": date.today().isoformat(), "model": enhancer.card.sha256, "files": results}
        options.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
