"""Part 3: every writer, with each of its system calls failing in turn."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.fault_parts.findings import Findings
from darkroom.batch.manifest import Manifest, read_manifest
from darkroom.batch.records import VERSION
from darkroom.learning.checkpoints import read_checkpoint, save_checkpoint
from darkroom.networks import NETWORKS
from darkroom.picture.dng import write_bayer_dng
from darkroom.picture.metadata import PictureMetadata
from darkroom.picture.png import write_png
from darkroom.picture.tiff import write_tiff
from darkroom.publish import publish
from darkroom.zoo.card import Card
from darkroom.zoo.weights import save_weights
from tests.conftest import OUTPUTS, SMALL
from tests.fault_sweep import CALLS, Trial, sweep_faults, trials
from tests.raw_files import MATRIX, noisy_mosaic

OLD = b"an older file"
HEADER = {"v": VERSION, "kind": "run"}
RECORD = {"v": VERSION, "in": "frame.dng", "status": "ok"}


def check_writers(folder: Path, *, calls: tuple[str, ...] = CALLS) -> Findings:
    """Sweep faults over every writer, over an old file and without one."""
    found = Findings()
    for name, write in writers().items():
        hits, broken = swept(write, folder / name, calls)
        found.numbers[f"faults met by the {name} writer"] = hits
        found.broken += [f"{name}: {text}" for text in broken]
    for name, sweep in (("checkpoint", checkpoint_faults), ("manifest", manifest_faults)):
        (folder / name).mkdir()
        told = list(sweep(folder / name, calls))
        found.numbers[f"faults met by the {name} writer"] = sum(hit for hit, _ in told)
        found.broken += [f"{name}: {text}" for text in chain(*(texts for _, texts in told))]
    return found


def swept(
    write: Callable[[Path], object], folder: Path, calls: tuple[str, ...]
) -> tuple[int, list[str]]:
    """Return how many faults a writer of one file met, and the promises it broke."""
    hits, broken = 0, []
    for case, old in (("new", None), ("over an old file", OLD)):
        (folder / case).mkdir(parents=True)
        result = sweep_faults(write, folder / case, old=old, calls=calls)
        hits += result.hits.total()
        broken += [f"{case}: {text}" for text in result.broken]
    return hits, broken


def writers() -> dict[str, Callable[[Path], object]]:
    """Return a writer of one file for every kind of file that is published."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 65536, (48, 64, 3), dtype=np.uint16)
    metadata = PictureMetadata((), b"", "darkroom")
    dng = partial(
        write_bayer_dng,
        mosaic=noisy_mosaic((48, 64)),
        phase="RGGB",
        black=(512,) * 4,
        white=16383,
        xyz_to_camera=MATRIX,
        white_balance=(2.0, 1.0, 1.6),
        make="Testmaker",
        model="One",
    )
    return {
        "TIFF": published(partial(write_tiff, pixels=pixels, metadata=metadata)),
        "PNG": published(partial(write_png, pixels=pixels, metadata=metadata)),
        "DNG": published(dng),
        "weights": weights_writer(),
    }


def published(write: Callable[..., None]) -> Callable[[Path], object]:
    """Return what publishes a file over whatever has its name."""
    return lambda target: publish(target, write, overwrite=True)


def weights_writer() -> Callable[[Path], object]:
    """Return what saves the weights of a small network."""
    torch.manual_seed(0)
    network = NETWORKS["unet"](**SMALL["unet"])
    card = Card(
        name="small",
        network="unet",
        config=SMALL["unet"],
        halo=int(network.halo),
        multiple_of=int(network.multiple_of),
        **OUTPUTS["unet"],
    )
    return lambda target: save_weights(target, card, network)


def checkpoint_faults(folder: Path, calls: tuple[str, ...]) -> Iterator[tuple[bool, list[str]]]:
    """Yield for each fault whether it was met, and what it broke: one step must always load."""
    network, average = nn.Linear(2, 2), nn.Linear(2, 2)
    optimiser = torch.optim.AdamW(network.parameters())

    def save(run: Path, step: int) -> None:
        save_checkpoint(
            run, network=network, average=average, optimiser=optimiser, facts={"step": step}
        )

    def two_steps(run: Path) -> None:
        save(run, 1)
        save(run, 2)

    for trial in trials(lambda run: save(run, 3), folder, prepare=two_steps, calls=calls):
        yield trial.fault.was_hit, list(broken_checkpoint(trial))


def broken_checkpoint(trial: Trial) -> Iterator[str]:
    """Yield what a fault did to the checkpoints of a run that was at step 2 and saved step 3."""
    found = read_checkpoint(trial.folder)
    step = found[1]["step"] if found else None
    if step not in {2, 3}:
        yield f"{trial.fault}: step {step} is what loads"
    if trial.error is None and step != 3:
        yield f"{trial.fault}: no error, but step {step}"


def manifest_faults(folder: Path, calls: tuple[str, ...]) -> Iterator[tuple[bool, list[str]]]:
    """Yield for each fault whether it was met, and what it broke: lines stay readable."""
    for trial in trials(append, folder, calls=calls):
        yield trial.fault.was_hit, list(broken_manifest(trial))


def append(root: Path) -> Path:
    """Append a record to a manifest of a folder; return its file."""
    manifest = Manifest(root, HEADER)
    try:
        manifest.append(RECORD)
    finally:
        manifest.close()
    return manifest.path


def broken_manifest(trial: Trial) -> Iterator[str]:
    """Yield what a fault did to a manifest: to the record, and to one that is appended later."""
    before = records(trial.folder)
    if before > 1 or (trial.error is None and before != 1):
        yield f"{trial.fault}: {before} records, error {trial.error!r}"
    append(trial.folder)
    if records(trial.folder) != before + 1:
        yield f"{trial.fault}: a record that was appended later is lost"


def records(root: Path) -> int:
    """Return how many records the manifests of a folder hold; every other line is a header."""
    found = [record for path in root.rglob("*.jsonl") for record in read_manifest(path)]
    return sum(record == RECORD for record in found)
