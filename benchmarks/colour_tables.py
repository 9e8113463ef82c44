"""The tables of `benchmarks/colour.py`, as Markdown."""

from collections.abc import Iterable, Mapping
from typing import Any

Scores = Mapping[str, Any]

BY_CATEGORY = (
    *("grey", "l3-levels", "l3", "nir-cnn"),
    *("nir-unet + guided filter", "nir-lite + guided filter"),
)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Lay out a table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *map(list, rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def methods_table(methods: Scores) -> str:
    """Every method and every score, means over the pictures."""
    head = ("method", "PSNR dB", "SSIM", "CIE76", "CIEDE2000", "angle °")
    rows = (
        (
            f"`{name}`",
            f"{r['psnr']:.2f}",
            f"{r['ssim']:.3f}",
            f"{r['cie76']:.2f}",
            f"{r['ciede2000']:.2f}",
            f"{r['angular']:.2f}",
        )
        for name, r in methods.items()
    )
    return table(head, rows)


def categories_table(methods: Scores, names: Iterable[str]) -> str:
    """CIE76 by category."""
    names = list(names)
    categories = methods[names[0]]["categories"]
    rows = (
        (c, str(part["pictures"]), *(f"{methods[n]['categories'][c]['cie76']:.2f}" for n in names))
        for c, part in categories.items()
    )
    return table(("category", "pictures", *(f"`{name}`" for name in names)), rows)


def together_table(experiments: Scores) -> str:
    """Experiment 1: one table for all categories, CIE76."""
    training, testing = (experiments["together"][s]["l3-levels"] for s in ("training", "testing"))
    rows = [("all", f"{training['cie76']:.2f}", f"{testing['cie76']:.2f}")]
    rows += [
        (c, f"{training['categories'][c]['cie76']:.2f}", f"{part['cie76']:.2f}")
        for c, part in testing["categories"].items()
    ]
    return table(("category", "training", "testing"), rows)


def alone_table(experiments: Scores) -> str:
    """Experiment 2: a table for each category, CIE76, beside the one for all."""
    together, alone = experiments["together"]["testing"]["l3-levels"], experiments["alone"]
    rows = (
        (
            c,
            f"{alone['training'][c]['cie76']:.2f}",
            f"{row['cie76']:.2f}",
            f"{together['categories'][c]['cie76']:.2f}",
        )
        for c, row in alone["testing"].items()
    )
    return table(("category", "training", "testing", "testing, one for all"), rows)


def channels_table(experiments: Scores) -> str:
    """Experiment 3: each colour channel by itself, or all with one penalty, CIE76."""
    sides = experiments["together"]
    rows = (
        (side, *(f"{sides[side][name]['cie76']:.4f}" for name in ("l3-levels", "l3-joint")))
        for side in ("training", "testing")
    )
    return table(("pictures", "each channel by itself", "all at once"), rows)


def reverse_table(experiments: Scores) -> str:
    """Experiment 4: from colour to near-infrared and back, mean squared error."""
    sides = experiments["reverse"]
    rows = []
    for side in ("training", "testing"):
        back, forth = sides[side]["reverse"], experiments["together"][side]["l3-levels"]
        rows.append((side, f"{back['mse']:.5f}", f"{forth['mse']:.5f}"))
        rows += [
            (f"{side}: {c}", f"{part['mse']:.5f}", f"{forth['categories'][c]['mse']:.5f}")
            for c, part in back["categories"].items()
        ]
    return table(("pictures", "RGB to NIR", "NIR to RGB"), rows)


def extremes(methods: Scores, name: str, count: int = 3) -> str:
    """Name the best and the worst pictures of a method."""
    each = methods[name]["each"]
    ranked = sorted(each, key=lambda picture: -each[picture]["psnr"])
    shown = (f"{p} ({each[p]['psnr']:.1f} dB)" for p in (*ranked[:count], *ranked[-count:]))
    return f"best and worst of {name}: " + ", ".join(shown)


def tables(record: Scores) -> str:
    """Return all tables of a record."""
    methods, experiments = record["methods"], record["experiments"]
    named = [name for name in BY_CATEGORY if name in methods]
    parts = {
        "Methods": methods_table(methods),
        "CIE76 by category": categories_table(methods, named),
        "1. All categories together": together_table(experiments),
        "2. One category each": alone_table(experiments),
        "3. One colour channel at a time": channels_table(experiments),
        "4. The way back, mean squared error": reverse_table(experiments),
        "Pictures": extremes(methods, "nir-lite + guided filter"),
    }
    return "\n\n".join(f"### {title}\n\n{text}" for title, text in parts.items())
