"""Near-infrared to colour: train what is not shipped, score everything, print the tables.

    python benchmarks/colour.py TRAIN VAL -o RUNS --record results.json [--cnn-steps N]
        [--also WEIGHTS...]
    python benchmarks/colour.py TRAIN VAL -o RUNS --record results.json --only-shipped
        [--also WEIGHTS...]
    python benchmarks/colour.py --table results.json

TRAIN and VAL hold pairs, x_nir.png beside x_rgb.png, in folders by category. The forms of L3 and
the plain CNN are trained here, the default network and its L3 are the shipped ones. `darkroom
train` trains, `darkroom eval` scores. Trained weights in RUNS are scored again. TRAIN is scored by
three pictures a category, to say how much is learned by heart. --also names more weights to score.
--only-shipped scores the default network and those again, after their weights have changed, and
keeps the rest of the record.
"""

import argparse
import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from colour_tables import tables
from methods import program
from record import write_record

CONFIG = """[model]
name = "{name}"
network = "{network}"

[nir]
folders = ["{pairs}"]
categories = {categories}
reverse = {reverse}
zoom = [1.0, 1.0]
jitter = 0.0

[l3]
{l3}

[training]
steps = {steps}
batch = 16
patch = 64
learning_rate = 0.05
warmup = 200
loss = "l2"
optimiser = "sgd"
validate_every = {steps}
checkpoint_every = 500
log_every = 200
"""

# The project of the seed cut brightness only; contrasts are the default.
DEFAULT, ALONE = "", "contrasts = []"
FORMS: dict[str, str] = {
    "l3-affine": "levels = 0\ncontrasts = []",
    "l3-levels": ALONE,
    "l3-joint": "contrasts = []\nseparate = false",
}
WITHOUT_FILTER = {"grey", "l3", *FORMS}  # what works at full size
PICTURES = 3  # of each category of TRAIN that are scored


def trained(
    name: str,
    options: argparse.Namespace,
    *,
    l3: str = DEFAULT,
    network: str = "l3",
    categories: Iterable[str] = (),
    reverse: bool = False,
) -> Path:
    """Train weights, or go on with them, and return their file."""
    weights: Path = options.runs / name / f"{name}.safetensors"
    if weights.exists():
        return weights
    config = options.runs / f"{name}.toml"
    config.write_text(
        CONFIG.format(
            name=name,
            network=network,
            pairs=options.train.resolve(),
            categories=json.dumps([*categories]),
            reverse=str(reverse).lower(),
            l3=l3,
            steps=options.cnn_steps if network == "nir-cnn" else 1,
        )
    )
    command = program("train", config, "-o", options.runs / name, "--resume")
    subprocess.run(command, check=True)
    return weights


def scored(
    pairs: Path, models: Mapping[str, str | Path], options: argparse.Namespace, *line: str
) -> dict[str, Any]:
    """Return what `darkroom eval` says of each model: means, and means by category."""
    record = options.runs / "scores.json"
    chosen = [part for model in models.values() for part in ("--model", model)]
    where = ["--nir", pairs, "--json", record, "--overwrite", "-q"]
    subprocess.run(program("eval", *where, *chosen, *line), check=True)
    rows = json.loads(record.read_text(encoding="utf-8"))["methods"]
    return {name: means(row) for name, row in zip(models, rows, strict=True)}


def means(row: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the means of a row, of its categories, and its pictures."""

    def of(part: Mapping[str, Any]) -> dict[str, float]:
        return {score: facts["mean"] for score, facts in part["scores"].items()}

    return {
        **of(row),
        "pictures": row["pictures"],
        "categories": {
            name: {**of(part), "pictures": part["pictures"]}
            for name, part in row["categories"].items()
        },
        "each": {picture["name"]: picture["scores"] for picture in row["each"]},
    }


def sample_of(train: Path, runs: Path) -> Path:
    """Link a few pictures of each category into a folder of their own."""
    sample = runs / "train-sample"
    for category in sorted(path for path in train.iterdir() if path.is_dir()):
        folder = sample / category.name
        folder.mkdir(parents=True, exist_ok=True)
        names = sorted(path.name for path in category.glob("*_nir.*"))
        for nir in names[:: max(1, len(names) // PICTURES)][:PICTURES]:
            for file in category.glob(nir.rpartition("_nir")[0] + "_*"):
                link = folder / file.name
                if not link.exists():
                    link.hardlink_to(file)
    return sample


def methods(options: argparse.Namespace) -> dict[str, Any]:
    """Score every method on VAL, as it comes from the network and with the guided filter."""
    models: dict[str, str | Path] = {
        "grey": "grey",
        **{name: trained(name, options, l3=l3) for name, l3 in FORMS.items() if name != "l3-joint"},
        "l3": "l3",
        "nir-cnn": trained("nir-cnn", options, network="nir-cnn"),
        **{path.stem: path for path in options.also},
        "nir-lite": "nir-lite",
    }
    with_filter = {name: model for name, model in models.items() if name not in WITHOUT_FILTER}
    plain = scored(options.val, models, options, "--no-guided-filter")
    guided = scored(options.val, with_filter, options, "--guided-filter")
    return plain | {f"{name} + guided filter": row for name, row in guided.items()}


def rescored(options: argparse.Namespace) -> dict[str, Any]:
    """Return a record with the default network, and what else is named, scored again."""
    record: dict[str, Any] = json.loads(options.record.read_text(encoding="utf-8"))
    models = {**{path.stem: path for path in options.also}, "nir-lite": "nir-lite"}
    plain = scored(options.val, models, options, "--no-guided-filter")
    guided = scored(options.val, models, options, "--guided-filter")
    rows = plain | {f"{name} + guided filter": row for name, row in guided.items()}
    steps = options.cnn_steps if "nir-cnn" in models else record["cnn_steps"]
    return record | {"cnn_steps": steps, "methods": record["methods"] | rows}


def experiments(options: argparse.Namespace) -> dict[str, Any]:
    """Repeat the four experiments of the seed with its form of L3."""
    sample, categories = (
        sample_of(options.train, options.runs),
        sorted(path.name for path in options.train.iterdir() if path.is_dir()),
    )
    together: dict[str, str | Path] = {
        name: trained(name, options, l3=FORMS[name]) for name in ("l3-levels", "l3-joint")
    }
    alone = {
        category: trained(f"l3-{category}", options, l3=ALONE, categories=(category,))
        for category in categories
    }
    back = {"reverse": trained("l3-reverse", options, l3=ALONE, reverse=True)}
    sides = {"training": sample, "testing": options.val}
    return {
        "together": {
            side: scored(pairs, together, options, *PLAIN) for side, pairs in sides.items()
        },
        "alone": {
            side: {
                category: scored(pairs / category, {category: model}, options, *PLAIN)[category]
                for category, model in alone.items()
            }
            for side, pairs in sides.items()
        },
        "reverse": {side: scored(pairs, back, options, *PLAIN) for side, pairs in sides.items()},
    }


PLAIN = ("--no-guided-filter",)


def main() -> None:
    """Train what is missing, score all, write the record, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", type=Path, nargs="?")
    parser.add_argument("val", type=Path, nargs="?")
    parser.add_argument("-o", "--runs", type=Path)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--table", type=Path)
    parser.add_argument("--cnn-steps", type=int, default=4000)
    parser.add_argument("--also", type=Path, nargs="*", default=[])
    parser.add_argument("--only-shipped", action="store_true")
    options = parser.parse_args()
    if options.table:
        print(tables(json.loads(options.table.read_text(encoding="utf-8"))))
        return
    options.runs.mkdir(parents=True, exist_ok=True)
    if options.only_shipped:
        facts = rescored(options)
        for stamp in ("date", "machine", "darkroom"):
            del facts[stamp]
        write_record(options.record, facts)
        print(tables(facts))
        return
    facts = {
        "data": f"pairs of {options.train.parent.name}: {options.train.name}, {options.val.name}",
        "cnn_steps": options.cnn_steps,
        "pictures_of_a_training_category": PICTURES,
        "methods": methods(options),
        "experiments": experiments(options),
    }
    if options.record:
        write_record(options.record, facts)
    print(tables(facts))


if __name__ == "__main__":
    main()
