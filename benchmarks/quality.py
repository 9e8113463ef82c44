"""Score darkroom beside other tools on dark frames simulated from pictures with a known truth.

    python benchmarks/quality.py TRUTHS [--model NAME|PATH] [--condition CAMERA:ISO:RATIO ...]
        [--limit N] [-o results.json]

Every method gets the same DNG and the same ratio and makes an sRGB picture; PSNR and SSIM (Wang
2004) are taken over all pixels in sRGB [0, 1] and averaged over the pictures. The DNG holds no
noise profile: darkroom estimates the noise from the picture.
"""

import argparse
import json
import platform
from datetime import date
from pathlib import Path

import numpy as np
from dark_frames import Condition, Method, by_darkroom, dark_frames, enhancer_for, peers

from darkroom import __version__
from darkroom.measure.psnr import psnr
from darkroom.measure.ssim import ssim

CONDITIONS = ("sony-a7s2:3200:100", "sony-a7s2:12800:100")
PICTURES = {".png", ".jpg", ".tif"}


def parse_condition(text: str) -> Condition:
    """Read CAMERA:ISO:RATIO."""
    camera, iso, ratio = text.split(":")
    return Condition(camera, float(iso), float(ratio))


def score(
    truths: list[Path], condition: Condition, methods: dict[str, Method]
) -> dict[str, dict[str, float]]:
    """Return the mean PSNR and SSIM of every method."""
    scores: dict[str, list[tuple[float, float]]] = {name: [] for name in methods}
    for truth, dng in dark_frames(truths, condition):
        for name, method in methods.items():
            result = method(dng, condition.ratio)
            scores[name].append((psnr(truth, result), ssim(truth, result)))
    means = {name: np.mean(values, axis=0) for name, values in scores.items()}
    return {
        name: {"psnr": round(float(mean[0]), 2), "ssim": round(float(mean[1]), 4)}
        for name, mean in means.items()
    }


def table(results: dict[str, dict[str, dict[str, float]]]) -> str:
    """Lay the results out as Markdown, one column a condition."""
    conditions = list(results)
    rows = ["| method | " + " | ".join(conditions) + " |", "|---" * (len(conditions) + 1) + "|"]
    for name in results[conditions[0]]:
        cells = (results[condition][name] for condition in conditions)
        shown = " | ".join(f"{cell['psnr']:.2f} dB / {cell['ssim']:.3f}" for cell in cells)
        rows.append(f"| {name} | {shown} |")
    return "\n".join(rows)


def main() -> None:
    """Score, print the table, write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("truths", type=Path)
    parser.add_argument("--model", default="fast-unet")
    parser.add_argument("--condition", action="append", type=parse_condition)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--only-darkroom", action="store_true")
    parser.add_argument("-o", "--out", type=Path)
    options = parser.parse_args()
    truths = sorted(p for p in options.truths.iterdir() if p.suffix in PICTURES)[: options.limit]
    results = {}
    for condition in options.condition or map(parse_condition, CONDITIONS):
        methods = {} if options.only_darkroom else peers()
        enhancer = enhancer_for(options.model, condition.ratio)
        methods["darkroom"] = by_darkroom(enhancer)
        results[str(condition)] = score(truths, condition, methods)
    print(table(results))
    if options.out:
        record = {
            "date": date.today().isoformat(),
            "machine": platform.processor() or platform.machine(),
            "darkroom": __version__,
            "model": enhancer.card.name,
            "model_sha256": enhancer.card.sha256,
            "pictures": len(truths),
            "data": "simulated dark frames: full sensor noise model, Tukey-lambda read noise",
            "results": results,
        }
        options.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
