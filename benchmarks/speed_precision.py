"""Section `precision`: what a lower precision costs, on dark frames whose truth is known.

    python benchmarks/speed_precision.py FOLDER OUT

Run as a script, this darkens every picture of a folder as the quality benchmark does.
"""

import hashlib
import sys
from pathlib import Path

from speed_bench import SHIPPED, VARIANTS, Bench, enhance
from speed_process import Facts, Refused, facts_of, helper, say

CONDITION = "sony-a7s2:3200:100"
PRECISIONS = ("fp32", "bf16", "int8", "default", "torch")
REFERENCE = "fp32"
SUFFIXES = {".png", ".jpg", ".tif"}


def precision(bench: Bench) -> Facts:
    """Enhance the same dark frames in every precision and score each against the truths."""
    found: Facts = {"rows": {}, "skipped": {}, "condition": CONDITION}
    if bench.kodak is None:
        return found | {"skipped": {"all": "no folder of pictures was named with --kodak"}}
    frames = bench.folder / "precision"
    frames.mkdir(exist_ok=True)
    helper("speed_precision.py", bench.kodak, frames)
    for name in PRECISIONS:
        try:
            found["rows"][name] = scored(bench, frames, name)
            say(f"  {name}: {found['rows'][name]['psnr']} dB")
        except Refused as refusal:
            found["skipped"][name] = str(refusal)
    compare(found["rows"])
    return found


def scored(bench: Bench, frames: Path, variant: str) -> Facts:
    """Enhance all frames and return their scores; "each" is the PSNR of every picture."""
    files = sorted(frames.glob("*.dng"))
    with bench.scratch() as out:
        arguments = ("--model", SHIPPED, "--tone", "srgb", *VARIANTS[variant])
        _, records = enhance(bench, files, out, *arguments)
        scores: Facts = facts_of("speed_compare.py", "truths", out, str(bench.kodak))
    digests = sorted(str(record["out_sha256"]) for record in records)
    return {
        **scores,
        "pictures": len(files),
        "device": records[-1]["device"],
        "out_sha256": hashlib.sha256("".join(digests).encode()).hexdigest(),
    }


def compare(rows: Facts) -> None:
    """Add how every row differs from the reference: in the mean, and at worst."""
    if REFERENCE not in rows:
        return
    exact = rows[REFERENCE]["each"]
    for row in rows.values():
        gaps = [row["each"][name] - exact[name] for name in exact]
        row["mean_gap"], row["worst_gap"] = round(sum(gaps) / len(gaps), 4), round(min(gaps), 4)


def main() -> None:
    """Write the dark frames."""
    from dark_frames import make_frame, parse_condition  # noqa: PLC0415 - they load darkroom

    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    condition = parse_condition(CONDITION)
    truths = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
    for seed, truth in enumerate(truths):
        if not (out / f"{truth.stem}.dng").exists():
            make_frame(truth, condition, seed, out)


if __name__ == "__main__":
    main()
