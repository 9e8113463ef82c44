"""Time darkroom from file to file beside a naive port, other programs and the machine's limits.

    python benchmarks/speed.py -o benchmarks/results/speed.json --kodak DIR
        [--only one,batch,limit,memory,growth,peers,small,precision]
        [--megapixels 12] [--runs 3] [--batch 8] [--slow-batch 3] [--folder DIR]
    python benchmarks/speed.py --markdown benchmarks/results/speed.json [--page docs/speed.md]

Everything runs on dark frames that the script draws itself, each run in a fresh process, as a user
starts it; what is compared runs in turn. Numbers are medians of the rounds. A record that exists
keeps the sections that are not run again. `batch` needs `one`. --markdown prints the tables of a
record, or puts them into a page. A whole run takes about 15 minutes on two cores.
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

from record import write_record
from speed_bench import Bench
from speed_contest import batch, one
from speed_floor import limit
from speed_machine import load, machine, versions
from speed_memory import growth, memory
from speed_page import filled, tables
from speed_peers import peers
from speed_precision import precision
from speed_process import Facts, Refused, say
from speed_small import small

SECTIONS: dict[str, Callable[..., Facts]] = {
    "one": one,
    "batch": batch,
    "limit": limit,
    "memory": memory,
    "growth": growth,
    "peers": peers,
    "small": small,
    "precision": precision,
}
NEEDS = {"batch": ("one",)}  # what a section is given of others, besides the bench
FORMAT = 2
STAMPS = ("date", "machine", "darkroom")  # which a record gets when it is written


def opened(path: Path | None) -> Facts:
    """Return the record at `path`, or a new one where there is none of this format.

    Raises:
        SystemExit: it was measured on another machine.
    """
    record: Facts = json.loads(path.read_text()) if path and path.exists() else {}
    if record.get("format") != FORMAT:
        return {"format": FORMAT, "sections": {}}
    if record["cpu"]["model"] != machine()["model"]:
        raise SystemExit(f"{path} was measured on another processor; name another record with -o")
    return record


def measure(bench: Bench, names: list[str], record: Facts, out: Path | None) -> None:
    """Run sections, and write the record after each."""
    record |= {"cpu": machine(), "versions": versions()}
    sections = record["sections"]
    for name in names:
        say(f"{name}:")
        stamp = {"date": date.today().isoformat(), "load": load()}
        about = {"megapixels": bench.megapixels, "runs": bench.runs}
        try:
            found = SECTIONS[name](bench, *(sections[need] for need in NEEDS.get(name, ())))
        except Refused as refusal:
            say(f"  nothing of this section is recorded: {refusal}")
            continue
        sections[name] = {**stamp, **about, **found}
        if out:
            write_record(out, {k: v for k, v in record.items() if k not in STAMPS})


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(SECTIONS))
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=8, help="files of a batch")
    parser.add_argument("--slow-batch", type=int, default=3, help="the same, for slow programs")
    parser.add_argument("--kodak", type=Path, help="folder of pictures for the precisions")
    parser.add_argument("--folder", type=Path, help="keep frames, weights and caches here")
    parser.add_argument("-o", "--out", type=Path, help="the record")
    parser.add_argument("--markdown", type=Path, help="show a record, run nothing")
    parser.add_argument("--page", type=Path, help="put the tables into this page")
    options = parser.parse_args()
    if unknown := set(options.only) - SECTIONS.keys():
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    return options


def show(record: Facts, page: Path | None) -> None:
    """Print the tables of a record, or put them into a page."""
    if page:
        page.write_text(filled(page.read_text(encoding="utf-8"), record), encoding="utf-8")
    else:
        print(tables(record))


def main() -> None:
    """Measure, write the record, print the tables."""
    options = parsed()
    if options.markdown:
        show(json.loads(options.markdown.read_text(encoding="utf-8")), options.page)
        return
    record = opened(options.out)
    names = [name for name in SECTIONS if name in options.only]
    for name in names:
        if lacking := set(NEEDS.get(name, ())) - {*names, *record["sections"]}:
            raise SystemExit(f"section {name} needs {', '.join(lacking)} in the same record")
    with tempfile.TemporaryDirectory(prefix="darkroom-speed-") as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        sizes = (options.megapixels, options.runs, options.batch, options.slow_batch)
        measure(Bench(folder.resolve(), *sizes, options.kodak), names, record, options.out)
    show(record, None)


if __name__ == "__main__":
    main()
