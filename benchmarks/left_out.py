"""Train with and without some cameras and score both on those: does a new camera suffer?

    python benchmarks/left_out.py PHOTOS TRUTHS -o RUNS --record results.json [--steps N]

Two small networks learn from the same pictures under the same budget. One meets the noise of all
six simulated cameras, the other that of four. Both are scored by `darkroom eval` on dark frames of
the cameras that the second one never met, and of one that both know.
"""

import argparse
import json
import subprocess
from pathlib import Path

from methods import program
from record import write_record

from darkroom.camera.sensors import SENSORS

LEFT_OUT = ("nikon-d850", "oppo-reno-10x")
CONDITIONS = (
    ("nikon-d850", "800", "30"),
    ("nikon-d850", "3200", "100"),
    ("oppo-reno-10x", "400", "10"),
    ("oppo-reno-10x", "1600", "30"),
    ("sony-a7s2", "3200", "100"),
)

CONFIG = """[model]
name = "{name}"
config = {{ width = 16, detail = 16 }}

[data]
photos = ["{photos}"]

[noise]
cameras = {cameras}
hot_pixels = 0.2
dark_shading = 0.05

[training]
steps = {steps}
batch = 8
patch = 64
warmup = 200
seed = 5
ema = 0.995
validate_every = {steps}
log_every = 200
"""


def trained(name: str, cameras: list[str], options: argparse.Namespace) -> Path:
    """Train a small network on the noise of some cameras and return its weights."""
    weights = options.runs / name / f"{name}.safetensors"
    if not weights.exists():
        config = options.runs / f"{name}.toml"
        photos = options.photos.resolve()
        text = CONFIG.format(name=name, photos=photos, cameras=cameras, steps=options.steps)
        config.write_text(text.replace("'", '"'))
        run = options.runs / name
        subprocess.run(program("train", config, "-o", run, "--resume"), check=True)
    return weights


def psnr(weights: list[Path], condition: tuple[str, str, str], options: argparse.Namespace) -> list:
    """Return the mean PSNR of each network in a condition."""
    camera, iso, ratio = condition
    record = options.runs / "scores.json"
    models = [part for path in weights for part in ("--model", path)]
    where = ["--simulate", options.truths, "--json", record, "--overwrite", "-q"]
    chosen = ["--camera", camera, "--iso", iso, "--ratio", ratio]
    subprocess.run(program("eval", *where, *chosen, *models), check=True)
    return [row["scores"]["psnr"]["mean"] for row in json.loads(record.read_text())["methods"]]


def main() -> None:
    """Train, score, print the table, write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("truths", type=Path)
    parser.add_argument("-o", "--runs", type=Path, required=True)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--steps", type=int, default=3000)
    options = parser.parse_args()
    options.runs.mkdir(parents=True, exist_ok=True)
    some = [camera for camera in SENSORS if camera not in LEFT_OUT]
    weights = [trained("all", list(SENSORS), options), trained("some", some, options)]
    results = {" ".join(c): psnr(weights, c, options) for c in CONDITIONS}
    print("| camera, ISO, ratio | trained with it | without it | difference |\n|---|---|---|---|")
    for name, (with_it, without) in results.items():
        known = "" if name.startswith(LEFT_OUT) else " (known to both)"
        print(f"| {name}{known} | {with_it:.2f} dB | {without:.2f} dB | {without - with_it:+.2f} |")
    if options.record:
        facts = {
            "steps": options.steps,
            "left out": LEFT_OUT,
            "data": "simulated dark frames, noise estimated from the picture",
            "psnr with all, without the left out": results,
        }
        write_record(options.record, facts)


if __name__ == "__main__":
    main()
