"""The tables of `benchmarks/speed.py`, as Markdown."""

from collections.abc import Mapping

from colour_tables import table
from speed_process import Facts

BASES = ("fast-unet, default", "unet, default")  # what ratios are taken of
STAGES = ("start", "load", "read", "network", "render", "write")


def seconds(value: float | None) -> str:
    """Return a time as tables show it.

    >>> seconds(12.345), seconds(1.2345), seconds(0.01234), seconds(None)
    ('12.3', '1.23', '0.012', '-')
    """
    if value is None:
        return "-"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def number(value: float | None, decimals: int = 0) -> str:
    """Return a number, or a dash for none."""
    return "-" if value is None else f"{value:.{decimals}f}"


def times(base: float | None, row: float | None) -> str:
    """Return how many times longer than the base, or a dash.

    >>> times(2.0, 9.0)
    '4.5 x'
    """
    return f"{row / base:.1f} x" if base and row and base > 0 else "-"


def same_bytes(rows: Mapping[str, Facts]) -> list[str]:
    """Return a line for all rows that gave the very same picture.

    >>> same_bytes({"a": {"out_sha256": "1"}, "b": {"out_sha256": "1"}, "c": {"out_sha256": "2"}})
    ['Equal to the last byte: a = b.']
    """
    groups: dict[str, list[str]] = {}
    for name, row in rows.items():
        if "out_sha256" in row:
            groups.setdefault(row["out_sha256"], []).append(name)
    equal = [" = ".join(names) for names in groups.values() if len(names) > 1]
    return [f"Equal to the last byte: {'; '.join(equal)}."] if equal else []


def of_bases() -> list[str]:
    """Return the heads of the columns of ratios."""
    return [f"of `{base}`" for base in BASES]


def ratios(rows: Mapping[str, Facts], row: Facts, key: str) -> list[str]:
    """Return how many times longer than each base a row takes."""
    return [times(rows.get(base, {}).get(key), row.get(key)) for base in BASES]


def one_table(section: Facts) -> str:
    """One file from a fresh process."""
    rows = section["rows"]
    head = ("one file", "first run ever, s", "s", *of_bases(), "peak MB", "computed in")
    lines = (
        (
            name,
            seconds(row.get("cold")),
            seconds(row["whole"]),
            *ratios(rows, row, "whole"),
            number(row["peak_mb"]),
            row.get("device") or "cpu fp32",
        )
        for name, row in rows.items()
    )
    return "\n\n".join([table(head, lines), *agreement(section["agreement"]), *same_bytes(rows)])


def agreement(gap: Facts) -> list[str]:
    """Return a line on how far apart two ways to the same picture are; none if that is unknown."""
    if not gap:
        return []
    return [
        "With the same weights, darkroom's `unet` in fp32 and the naive port differ by"
        f" {gap['mean']:g} of 65535 levels on average and by {gap['largest']} at most."
    ]


def stages_table(section: Facts) -> str:
    """Where the seconds of one file go."""
    head = ("one file, s", *STAGES, "whole")
    lines = (
        (name, *(seconds(row.get(stage)) for stage in STAGES), seconds(row["whole"]))
        for name, row in section["rows"].items()
    )
    return table(head, lines)


def batch_table(section: Facts) -> str:
    """Batches, and each further file."""
    rows = section["rows"]
    head = ("batch", "files", "s", "each further file, s", *of_bases(), "peak MB")
    lines = (
        (
            name,
            str(row["files"]),
            seconds(row["whole"]),
            seconds(row.get("further")),
            *ratios(rows, row, "further"),
            number(row["peak_mb"]),
        )
        for name, row in rows.items()
    )
    return table(head, lines)


def limit_table(section: Facts) -> str:
    """Seconds over the floors of arithmetic and of bytes."""
    head = (
        "one file",
        "GFLOP",
        "product, GFLOP/s",
        "floor, s",
        "network, s",
        "of floor",
        "in a fresh process, s",
        "copy, s",
        "read + render + write, s",
        "of copy",
    )
    lines = (
        (
            name,
            number(row["gflop"]),
            f"{number(row['gflops'])} ({row['product_by']})",
            seconds(row["floor"]),
            seconds(row["ready"]),
            number(row["over_floor"], 2),
            seconds(row["network"]),
            seconds(row["copy"]),
            seconds(sum(row.get(stage, 0) for stage in ("read", "render", "write"))),
            number(row["others_over_copy"], 2),
        )
        for name, row in section["rows"].items()
    )
    return table(head, lines)


def memory_table(section: Facts) -> str:
    """Peak memory, and what tiles change."""
    head = ("one file", "peak MB", "decoder MB", "s", "tiles", "largest difference", "mean")
    lines = (
        (
            name,
            number(row["peak_mb"]),
            number(row["decoder_mb"]),
            seconds(row["whole"]),
            str(row["tile"]),
            number(row.get("largest_gap")),
            number(row.get("mean_gap"), 4),
        )
        for name, row in section["rows"].items()
    )
    return table(head, lines)


def growth_table(section: Facts) -> str:
    """Seconds and memory over the size of the frame."""
    head = ("megapixels", "s", "network, s", "s a megapixel", "peak MB", "tiles")
    lines = (
        (
            name,
            seconds(row["whole"]),
            seconds(row["network"]),
            seconds(row["whole"] / float(name)),
            number(row["peak_mb"]),
            str(row["tile"]),
        )
        for name, row in section["rows"].items()
    )
    return table(head, lines)


def peers_table(section: Facts) -> str:
    """Other programs."""
    head = ("program", "one file, s", "each further file, s", "peak MB")
    lines = (
        (name, seconds(row["whole"]), seconds(row.get("further")), number(row["peak_mb"]))
        for name, row in section["rows"].items()
    )
    return table(head, lines)


def small_table(section: Facts) -> str:
    """Small files and helps."""
    head = ("run", "s", "beside the network, s", "peak MB")
    lines = (
        (f"`{name}`", seconds(row["whole"]), seconds(row.get("beside")), number(row["peak_mb"]))
        for name, row in section["rows"].items()
    )
    return table(head, lines)


def precision_table(section: Facts) -> str:
    """Scores of the precisions."""
    head = ("precision", "computed in", "pictures", "PSNR dB", "to fp32, mean", "worst", "values")
    lines = (
        (
            name,
            row["device"],
            str(row["pictures"]),
            f"{row['psnr']:.3f}",
            number(row.get("mean_gap"), 4),
            number(row.get("worst_gap"), 4),
            str(row["distinct"]),
        )
        for name, row in section["rows"].items()
    )
    return "\n\n".join([table(head, lines), *same_bytes(section["rows"])])
