"""The settings of a training run, as written in a TOML file."""

import math
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from darkroom.errors import UsageProblem

Share = Annotated[float, Field(ge=0, le=1)]
Size = Annotated[float, Field(ge=0)]
CONTRASTS = (0.002, 0.0034, 0.0057, 0.0097, 0.016, 0.028, 0.047, 0.08)


def rising(bounds: tuple[float, float]) -> tuple[float, float]:
    """Return (lowest, highest) if both are positive and in this order."""
    if not 0 < bounds[0] <= bounds[1] < math.inf:
        raise ValueError("give the lowest and the highest, both above 0")
    return bounds


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
    parts: dict[str, Path] = {}  # start parts of the network from weights of their own
    freeze: tuple[str, ...] = ()  # parts that do not learn
    slow: dict[str, Share] = {}  # parts that learn at a share of the rate
    input_space: Literal["balanced-planes", "planes", "nir", "srgb"] = "balanced-planes"
    output_space: Literal["camera-linear", "srgb", "nir"] = "camera-linear"
    clip: bool = False  # the planes to 0..1
    working_side: int = Field(0, ge=0, le=16384)  # longest side of what the network sees; 0: any
    licence: str = ""
    data: str = ""


class DataSection(Section):
    """Clean pictures to darken: folders or files, relative to the configuration."""

    photos: tuple[Path, ...] = ()
    raw: tuple[Path, ...] = ()
    holdout: int = Field(20, ge=2)  # every n-th picture is kept for validation
    raw_share: Share = 0.05  # of the patches, where there are RAW frames


class PairsSection(Section):
    """Real pairs of short and long exposures, relative to the configuration."""

    lists: tuple[Path, ...] = ()  # "short long ISO f" lines or CSV
    folders: tuple[Path, ...] = ()  # that hold short/ and long/
    root: Path | None = None  # what the names in the lists are relative to
    exclude: Path | None = None  # names of scenes to leave out, one a line
    cache: Path | None = None  # folder of the cache; beside the run without it
    cache_gb: float = Field(70, gt=0)  # most that the cache may hold
    most_bad: int = Field(10, ge=0)  # files that may be missing or unreadable
    most_ratio: float = Field(300, ge=1)  # exposure ratios are cut here
    holdout: int = Field(20, ge=2)  # every n-th scene is kept for validation
    share: Share = 1.0  # of the patches, beside simulated ones


class NirSection(Section):
    """Registered pairs of near-infrared and colour pictures, relative to the configuration."""

    folders: tuple[Path, ...] = ()  # that hold x_nir.png beside x_rgb.png
    categories: tuple[str, ...] = ()  # of the pairs, their folders; none takes all
    holdout: int = Field(20, ge=2)  # every n-th pair is kept for validation
    photo_share: Share = 0.0  # of the patches, from data.photos, with near-infrared made up
    zoom: Annotated[tuple[float, float], AfterValidator(rising)] = (0.7, 1.15)  # of views
    jitter: Size = 0.05  # deviation of ln(brightness) of the input; twice that of its curve
    reverse: bool = False  # learn near-infrared from colour


class L3Section(Section):
    """How the classes of an `l3` are cut and solved; it learns in one pass, without steps."""

    patch: int = Field(5, ge=1, le=31)
    levels: int = Field(40, ge=0, le=1000)  # cuts between levels of brightness
    level_range: Annotated[tuple[float, float], AfterValidator(rising)] = (0.02, 0.76)
    contrasts: tuple[float, ...] = CONTRASTS  # cuts between levels of contrast
    saturation: bool = False
    most: int = Field(100_000, gt=0)  # patches of a class
    method: Literal["ridge", "least-squares", "wiener"] = "ridge"
    separate: bool = True  # each colour channel with a penalty of its own
    shot: Size = 0.0  # of the noise that "wiener" expects
    read: Size = 0.0
    smooth: bool = False
    symmetric: bool = False


class NoiseSection(Section):
    """How dark and how noisy the simulated frames are."""

    cameras: tuple[str, ...] = ("sony-a7s2",)
    calibrations: tuple[Path, ...] = ()  # files of `darkroom calibrate`, one more camera each
    iso: Annotated[tuple[float, float], AfterValidator(rising)] = (50, 25600)
    ratio: Annotated[tuple[float, float], AfterValidator(rising)] = (1, 300)
    dark_share: Share = 0.7  # of the ratios, drawn from the upper part
    dark_from: float = 20
    level_error: Size = 0.1  # deviation of ln(level) as told to the network
    black_error: Size = 0.02  # in read-noise deviations
    hot_pixels: Share = 0.0  # of the frames have hot and dead pixels
    dark_shading: Size = 0.0  # in read-noise deviations


class AdversarialSection(Section):
    """A second network that learns to tell results from truths (Schoenfeld et al. 2020)."""

    weight: Size = 0.0  # of its verdict in the loss; 0 trains without it
    width: int = Field(32, gt=0, le=256)
    levels: int = Field(4, ge=2, le=6)
    learning_rate: float = Field(2e-4, gt=0)
    cutmix: Share = 0.5  # of the batches are mixed, once it has started
    start: int = Field(0, ge=0)  # step from which its verdict counts


class TrainingSection(Section):
    """The loop."""

    steps: int = Field(gt=0)
    batch: int = Field(8, gt=0)
    patch: int = Field(128, gt=0, multiple_of=16)  # packed pixels
    learning_rate: float = Field(1e-3, gt=0)
    schedule: Literal["cosine", "step"] = "cosine"
    step_every: int = Field(1000, gt=0)  # of the schedule "step": after so many steps ...
    gamma: float = Field(0.8, gt=0, le=1)  # ... the rate is multiplied by this
    warmup: int = Field(500, ge=0)
    loss: str = "l1-display"
    optimiser: Literal["adamw", "sgd"] = "adamw"
    weight_decay: float = Field(0.0, ge=0)
    clip_gradient: float = Field(1.0, gt=0)
    ema: float = Field(0.999, ge=0, lt=1)
    seed: int = Field(0, ge=0)
    precision: Literal["bf16", "fp16", "fp32"] = "bf16"
    device: str = "cpu"
    threads: int = Field(0, ge=0)  # 0: as many as there are cores
    validate_every: int = Field(1000, gt=0)
    checkpoint_every: int = Field(500, gt=0)
    log_every: int = Field(50, gt=0)
    tensorboard: bool = False


class TrainConfig(Section):
    """A whole run."""

    model: ModelSection = ModelSection()
    data: DataSection = DataSection()
    pairs: PairsSection = PairsSection()
    nir: NirSection = NirSection()
    l3: L3Section = L3Section()
    noise: NoiseSection = NoiseSection()
    adversarial: AdversarialSection = AdversarialSection()
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
    except OSError as error:
        raise UsageProblem(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageProblem(f"{path}: not a TOML file: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageProblem(f"{path}: {where}: {first['msg']}") from None
    return resolved(config, path.parent)


def resolved(config: TrainConfig, folder: Path) -> TrainConfig:
    """Return the configuration with its paths made relative to `folder`."""
    sections = {
        name: section.model_copy(
            update={
                name: rebased(getattr(section, name), folder) for name in section.model_fields_set
            }
        )
        for name, section in config.__dict__.items()
    }
    return config.model_copy(update=sections)


def rebased(value: Any, folder: Path) -> Any:
    """Return a setting with every path in it made relative to `folder`."""
    match value:
        case Path():
            return folder / value
        case tuple():
            return tuple(rebased(item, folder) for item in value)
        case dict():
            return {key: rebased(item, folder) for key, item in value.items()}
    return value
