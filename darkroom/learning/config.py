"""The settings of a training run, as written in a TOML file."""

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from darkroom.errors import UsageProblem


class Section(BaseModel):
    """A table of the file: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelSection(Section):
    """What is trained and how its weights are described."""

    name: str = Field("fast-unet", pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    version: str = "1"
    network: str = "fast-unet"
    config: dict[str, Any] = {}
    init: Path | None = None  # start from these weights
    licence: str = ""
    data: str = ""


class DataSection(Section):
    """Clean pictures to darken: folders or files, relative to the configuration."""

    photos: tuple[Path, ...] = ()
    raw: tuple[Path, ...] = ()
    holdout: int = Field(20, ge=2)  # every n-th picture is kept for validation
    raw_share: float = Field(0.05, ge=0, le=1)  # of the patches, where there are RAW frames


class NoiseSection(Section):
    """How dark and how noisy the simulated frames are."""

    cameras: tuple[str, ...] = ("sony-a7s2",)
    iso: tuple[float, float] = (50, 25600)
    ratio: tuple[float, float] = (1, 300)
    dark_share: float = Field(0.7, ge=0, le=1)  # of the ratios, drawn from the upper part
    dark_from: float = 20
    level_error: float = Field(0.1, ge=0)  # deviation of ln(level) as told to the network
    black_error: float = Field(0.02, ge=0)  # in read-noise deviations


class TrainingSection(Section):
    """The loop."""

    steps: int = Field(gt=0)
    batch: int = Field(8, gt=0)
    patch: int = Field(128, gt=0, multiple_of=16)  # packed pixels
    learning_rate: float = Field(1e-3, gt=0)
    warmup: int = Field(500, ge=0)
    loss: str = "l1-display"
    weight_decay: float = Field(0.0, ge=0)
    clip_gradient: float = Field(1.0, gt=0)
    ema: float = Field(0.999, ge=0, lt=1)
    seed: int = 0
    precision: Literal["bf16", "fp32"] = "bf16"
    device: str = "cpu"
    threads: int = Field(0, ge=0)  # 0: as many as there are cores
    validate_every: int = Field(1000, gt=0)
    checkpoint_every: int = Field(500, gt=0)
    log_every: int = Field(50, gt=0)


class TrainConfig(Section):
    """A whole run."""

    model: ModelSection = ModelSection()
    data: DataSection = DataSection()
    noise: NoiseSection = NoiseSection()
    training: TrainingSection


def load_config(path: Path) -> TrainConfig:
    """Read a training configuration; paths in it are relative to the file.

    Raises:
        UsageProblem: the file is missing, not TOML, or a setting is unknown or impossible.
    """
    try:
        with path.open("rb") as file:
            config = TrainConfig.model_validate(tomllib.load(file))
    except FileNotFoundError:
        raise UsageProblem(f"{path}: no such configuration") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageProblem(f"{path}: not a TOML file: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageProblem(f"{path}: {where}: {first['msg']}") from None
    return resolved(config, path.parent)


def resolved(config: TrainConfig, folder: Path) -> TrainConfig:
    """Return the configuration with its paths made relative to `folder`."""
    data = config.data.model_copy(
        update={
            "photos": tuple(folder / path for path in config.data.photos),
            "raw": tuple(folder / path for path in config.data.raw),
        }
    )
    init = config.model.init and folder / config.model.init
    return config.model_copy(
        update={"data": data, "model": config.model.model_copy(update={"init": init})}
    )
