from pathlib import Path

from darkroom.learning.cards import recipe_of
from darkroom.learning.config import (
    ModelSection,
    NirSection,
    NoiseSection,
    PairsSection,
    TrainConfig,
    TrainingSection,
)

TRAINING = TrainingSection(steps=1)


def test_paths_of_this_machine_stay_out_of_the_card(tmp_path: Path) -> None:
    noise = NoiseSection(calibrations=(tmp_path / "night.json",))
    pairs = PairsSection(lists=(tmp_path / "list.txt",), cache=tmp_path)
    recipe = recipe_of(TrainConfig(noise=noise, pairs=pairs, training=TRAINING))
    assert str(tmp_path) not in str(recipe)
    assert recipe["noise"]["calibrations"] == ["night.json"]  # type: ignore[index]
    assert recipe["pairs"] == {"most_ratio": 300, "holdout": 20, "share": 1}
    assert recipe.keys() == {"noise", "pairs", "training"}


def test_only_tables_that_were_used_are_told(tmp_path: Path) -> None:
    nir = NirSection(folders=(tmp_path,))
    for network, tables in (("nir-unet", {"nir", "training"}), ("l3", {"nir", "l3"})):
        model = ModelSection(network=network)
        recipe = recipe_of(TrainConfig(model=model, nir=nir, training=TRAINING))
        assert recipe.keys() == tables
        assert str(tmp_path) not in str(recipe)


def test_what_learned_slowly_or_not_at_all_is_told() -> None:
    model = ModelSection(freeze=("head",), slow={"encoder": 0.1})
    recipe = recipe_of(TrainConfig(model=model, training=TRAINING))
    assert recipe["model"] == {"freeze": ("head",), "slow": {"encoder": 0.1}}
