"""All tables of `benchmarks/speed.py` one below the other, or put into a page."""

import re
from collections.abc import Callable, Iterable, Mapping

from speed_process import Facts
from speed_tables import (
    batch_table,
    growth_table,
    limit_table,
    memory_table,
    one_table,
    peers_table,
    precision_table,
    small_table,
    stages_table,
)

BLOCK = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
NOT_YET = "Not measured yet."

# Name in a page -> section of the record, heading, and what lays it out.
TABLES: dict[str, tuple[str, str, Callable[[Facts], str]]] = {
    "one": ("one", "One file", one_table),
    "stages": ("one", "Stages", stages_table),
    "batch": ("batch", "Batches", batch_table),
    "limit": ("limit", "Limits", limit_table),
    "memory": ("memory", "Memory", memory_table),
    "growth": ("growth", "Growth", growth_table),
    "peers": ("peers", "Other programs", peers_table),
    "small": ("small", "Small files", small_table),
    "precision": ("precision", "Precisions", precision_table),
}


def laid_out(name: str, record: Facts) -> str:
    """Return a table with its date and what was left out, or say that it is not measured yet."""
    section_name, _, lay_out = TABLES[name]
    section = record["sections"].get(section_name)
    if section is None:
        return NOT_YET
    parts = [lay_out(section)] if section["rows"] else []
    return "\n\n".join([*parts, *left_out(section["skipped"]), about(section)])


def left_out(skipped: Mapping[str, str]) -> list[str]:
    """Return a line for every reason why rows are missing.

    >>> left_out({"a, int8": "no such option", "b, int8": "no such option"})
    ['Left out: a, int8; b, int8 (no such option).']
    """
    rows: dict[str, list[str]] = {}
    for row, why in skipped.items():
        rows.setdefault(why, []).append(row)
    return [f"Left out: {'; '.join(names)} ({why})." for why, names in rows.items()]


def about(section: Facts) -> str:
    """Return when and how often a section was measured."""
    rounds = sorted({row["rounds"] for row in section["rows"].values() if "rounds" in row})
    often = f", medians of {' or '.join(map(str, rounds))} runs" if rounds not in ([], [1]) else ""
    return (
        f"{section['date']}, frames of {section['megapixels']:g} megapixels unless said otherwise"
        f"{often}, load {section['load']:g} at the start."
    )


def machine_text(record: Facts) -> str:
    """Return what was measured on and with."""
    if "cpu" not in record:
        return NOT_YET
    cpu, versions = record["cpu"], record["versions"]
    flags = f" ({', '.join(cpu['flags'])})" if cpu["flags"] else ""
    listed = ", ".join(f"{name} {number}" for name, number in versions.items())
    return (
        f"{cpu['model']}{flags}, {cpu['cores']} cores, {cpu['memory_gb']} GB, {cpu['system']};"
        f" {listed}."
    )


def tables(record: Facts) -> str:
    """Return all tables of a record."""
    parts: Iterable[str] = (
        f"### {heading}\n\n{laid_out(name, record)}" for name, (_, heading, _) in TABLES.items()
    )
    return "\n\n".join([machine_text(record), *parts])


def filled(page: str, record: Facts) -> str:
    """Return a page with what stands between its marks replaced.

    >>> print(filled("<!-- table one -->" + chr(10) + "old <!-- end -->", {"sections": {}}))
    <!-- table one -->
    Not measured yet.
    <!-- end -->
    """

    def put(match: re.Match[str]) -> str:
        name = match[2]
        text = machine_text(record) if name == "machine" else laid_out(name, record)
        return f"{match[1]}{text}\n{match[3]}"

    return BLOCK.sub(put, page)
