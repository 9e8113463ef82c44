"""Train every method of the U-Net family under one budget and score them: one table.

    python benchmarks/methods.py PHOTOS TRUTHS -o RUNS --record results.json [--steps N]
        [--method NAME ...] [--width N]

Every method sees the same simulated pairs (the Sony A7S II of SID's data, ISO 800 to 6400, 100 to
300 times darker) for the same number of steps, all at one width below the published one, so that a
processor gets through. `darkroom train` trains them, `darkroom eval` scores them on dark frames of
TRUTHS. Methods that are trained already are scored again from their run folder.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from record import write_record

CONFIG = """[model]
name = "{method}"
network = "{network}"
config = {config}

[data]
photos = ["{photos}"]

[noise]
cameras = ["sony-a7s2"]
iso = [800, 6400]
ratio = [100, 300]
dark_share = 0.0

[adversarial]
weight = {adversarial}
width = 8
levels = 3

[training]
steps = {steps}
batch = 8
patch = 64
learning_rate = 1e-3
warmup = 200
seed = 11
ema = 0.99
validate_every = {steps}
checkpoint_every = 500
log_every = 100
"""

# Method: network, what its arguments add to width and root, weight of the discriminator, and what
# the paper (Dhiman 2024, doi 10.5281/zenodo.10968370) prints for it on its own data.
METHODS: dict[str, tuple[str, dict[str, int], float, str]] = {
    "unet": ("unet", {}, 0.0, "27.251 / 0.756"),
    "deep-unet": ("deep-unet", {}, 0.0, "not given"),
    "attention-unet": ("attention-unet", {}, 0.0, "25.447 / 0.727"),
    "double-unet": ("double-unet", {}, 0.0, "not given"),
    "vae-unet": ("vae-unet", {}, 0.0, "not given"),
    "fast-unet": ("fast-unet", {}, 0.0, "ours"),
    "unet-gan": ("unet", {}, 0.01, "27.178 / 0.747"),
}


def as_toml(config: dict[str, int | bool]) -> str:
    """Write an inline table.

    >>> as_toml({"width": 16, "root": True})
    '{ width = 16, root = true }'
    """
    return "{ " + ", ".join(f"{k} = {str(v).lower()}" for k, v in config.items()) + " }"


def write_config(runs: Path, method: str, options: argparse.Namespace) -> Path:
    """Write the configuration of a method."""
    network, extra, adversarial, _ = METHODS[method]
    config: dict[str, int | bool] = {"width": options.width, **extra}
    if network != "fast-unet":
        config["root"] = True
    path = runs / f"{method}.toml"
    path.write_text(
        CONFIG.format(
            method=method,
            network=network,
            config=as_toml(config),
            photos=options.photos.resolve(),
            adversarial=adversarial,
            steps=options.steps,
        )
    )
    return path


def program(*arguments: str | Path) -> list[str]:
    """Return the command line of darkroom."""
    return [sys.executable, "-m", "darkroom", *map(str, arguments)]


def trained(runs: Path, method: str, options: argparse.Namespace) -> Path:
    """Train a method, or go on with it, and return its weights."""
    weights = runs / method / f"{method}.safetensors"
    if not weights.exists():
        config = write_config(runs, method, options)
        subprocess.run(program("train", config, "-o", runs / method, "--resume"), check=True)
    return weights


def seconds_per_step(run: Path) -> float:
    """Return the seconds a step took on average, from the run's log."""
    last = json.loads((run / "log.jsonl").read_text().splitlines()[-1])
    return float(last["seconds"]) / float(last["step"])


def scored(weights: dict[str, Path], options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Return what `darkroom eval` says of each method."""
    record = options.runs / "scores.json"
    models = [part for path in weights.values() for part in ("--model", path)]
    chosen = ["--camera", "sony-a7s2", "--iso", "3200", "--ratio", "100"]
    where = ["--simulate", options.truths, "--json", record, "--overwrite", "-q"]
    subprocess.run(program("eval", *where, *chosen, *models), check=True)
    rows = json.loads(record.read_text())["methods"]
    return {
        method: {score: facts["mean"] for score, facts in row["scores"].items()}
        for method, row in zip(weights, rows, strict=True)
    }


def table(results: dict[str, dict[str, float]], steps: int) -> str:
    """Lay the results out as Markdown beside the paper's numbers."""
    lines = [
        f"| method ({steps} steps) | PSNR | SSIM | CIEDE2000 | s a step | paper, its own data |",
        "|---|---|---|---|---|---|",
    ]
    for method, row in results.items():
        cells = f"{row['psnr']:.2f} dB | {row['ssim']:.4f} | {row['ciede2000']:.2f}"
        paper = METHODS[method][3]
        lines.append(f"| `{method}` | {cells} | {row['seconds_per_step']:.3f} | {paper} |")
    return "\n".join(lines)


def main() -> None:
    """Train what is missing, score all, print the table, write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("truths", type=Path)
    parser.add_argument("-o", "--runs", type=Path, required=True)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--method", action="append", choices=METHODS)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--width", type=int, default=16)
    options = parser.parse_args()
    options.runs.mkdir(parents=True, exist_ok=True)
    weights = {
        method: trained(options.runs, method, options) for method in options.method or METHODS
    }
    results = scored(weights, options)
    for method, row in results.items():
        row["seconds_per_step"] = round(seconds_per_step(options.runs / method), 4)
    print(table(results, options.steps))
    if options.record:
        facts = {
            "steps": options.steps,
            "batch": 8,
            "patch": 64,
            "width": options.width,
            "data": "simulated dark frames, Sony A7S II ISO 3200 x100, noise estimated",
            "results": results,
        }
        write_record(options.record, facts)


if __name__ == "__main__":
    main()
