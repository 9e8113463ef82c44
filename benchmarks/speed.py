"""Time `darkroom enhance --device cpu` on a 12-megapixel file: stages, whole run, peak memory.

    python benchmarks/speed.py [--model NAME|PATH] [--runs N] [-o results.json]

The file is simulated (4000 x 3000, drawn by this script). Each run is a fresh process, as a user
starts it; the stages come from its own record, the whole from a clock around it, the memory from
the operating system (its largest resident size). A plain PyTorch run of the SID U-Net in float32
(`--model unet`'s network with random weights, whole frame) is timed in the same sitting, so that
speeds can be read as a ratio.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import cv2
import numpy as np
import torch

from darkroom import __version__
from darkroom.networks import NETWORKS
from darkroom.simulate import SimulateSettings, simulate_file

ROWS, COLUMNS = 3000, 4000
STAGES = ("read", "network", "render", "write")


def draw(path: Path) -> None:
    """Draw a smooth coloured scene with edges."""
    coarse = np.random.default_rng(0).uniform(30, 225, (30, 40, 3)).astype(np.float32)
    scene = cv2.resize(coarse, (COLUMNS, ROWS), interpolation=cv2.INTER_CUBIC)
    scene[::97] *= 0.6
    scene[:, ::131] *= 0.7
    cv2.imwrite(str(path), scene.clip(0, 255).astype(np.uint8))


def run_once(dng: Path, model: str, extra: list[str]) -> dict[str, float]:
    """Run the command once; return its stages, whole time and peak memory."""
    command = [sys.executable, "-m", "darkroom", "enhance", str(dng), "--ratio", "100"]
    command += ["--device", "cpu", "--model", model, "--json", "--overwrite", "-q", *extra]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    record = json.loads(process.stdout.read())
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, "the command failed"
    result = {stage: record["t_ms"][stage] / 1000 for stage in STAGES}
    result["whole"] = time.perf_counter() - started
    result["peak_mb"] = usage.ru_maxrss / 1024
    return result


def medians(runs: list[dict[str, float]]) -> dict[str, float]:
    """Return the median of every figure."""
    return {key: round(statistics.median(run[key] for run in runs), 3) for key in runs[0]}


def plain_sid_seconds() -> float:
    """Time the SID U-Net on the whole frame, as its ports run it: eager float32."""
    network = NETWORKS["unet"]().eval()
    planes = torch.rand(1, 4, ROWS // 2, COLUMNS // 2)
    with torch.inference_mode():
        network(planes[..., :256, :256])
        started = time.perf_counter()
        network(planes)
    return round(time.perf_counter() - started, 2)


def main() -> None:
    """Measure, print, write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="fast-unet")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("-o", "--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        picture, dng = Path(folder) / "scene.png", Path(folder) / "dark.dng"
        draw(picture)
        simulate_file(picture, dng, SimulateSettings())
        variants = {"default": [], "--max-memory 1G": ["--max-memory", "1G"]}
        results = {
            name: medians([run_once(dng, options.model, extra) for _ in range(options.runs)])
            for name, extra in variants.items()
        }
    record = {
        "date": date.today().isoformat(),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "darkroom": __version__,
        "torch": torch.__version__,
        "file": f"simulated, {COLUMNS} x {ROWS}, uncompressed DNG to deflate TIFF",
        "seconds": results,
        "plain_sid_unet_network_seconds": plain_sid_seconds(),
    }
    print(json.dumps(record, indent=1))
    if options.out:
        options.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
