from pathlib import Path

import pytest
import torch

from darkroom.errors import UsageProblem
from darkroom.learning.checkpoints import read_checkpoint
from darkroom.learning.config import AdversarialSection, ModelSection, TrainConfig, TrainingSection
from darkroom.learning.learner import checkpoint, make_learner, resume
from tests.conftest import SMALL


def config(**adversarial: object) -> TrainConfig:
    return TrainConfig(
        model=ModelSection(config=SMALL["fast-unet"]),
        adversarial=AdversarialSection.model_validate({"width": 4, "levels": 2, **adversarial}),
        training=TrainingSection(steps=4, patch=16, precision="fp32"),
    )


def test_the_seed_decides_the_weights() -> None:
    first, again = make_learner(config()), make_learner(config())
    pairs = zip(first.network.parameters(), again.network.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert first.joined is first.network


def test_the_average_answers_alike_every_time() -> None:
    learner = make_learner(config())
    assert learner.network.training
    assert not learner.mean.training
    assert learner.mean is not learner.network


def test_there_is_an_adversary_only_where_it_weighs_something() -> None:
    assert make_learner(config()).adversary is None
    assert make_learner(config(weight=0.1)).adversary is not None


def test_a_checkpoint_holds_the_adversary_and_restores_it(tmp_path: Path) -> None:
    first = make_learner(config(weight=0.1))
    first.step, first.best = 3, 21.5
    checkpoint(first, tmp_path)
    found = read_checkpoint(tmp_path)
    assert found
    assert any(name.startswith("adversary.") for name in found[0])
    second = make_learner(config(weight=0.1))
    with torch.no_grad():
        for parameter in second.adversary.discriminator.parameters():  # type: ignore[union-attr]
            parameter.add_(1)
    resume(second, tmp_path)
    assert (second.step, second.best) == (3, 21.5)
    both = (learner.adversary.tensors() for learner in (first, second))  # type: ignore[union-attr]
    before, after = both
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_an_adversary_cannot_join_a_run_halfway(tmp_path: Path) -> None:
    checkpoint(make_learner(config()), tmp_path)
    with pytest.raises(UsageProblem, match="adversar"):
        resume(make_learner(config(weight=0.1)), tmp_path)


def test_a_run_without_a_checkpoint_begins(tmp_path: Path) -> None:
    learner = make_learner(config())
    resume(learner, tmp_path)
    assert learner.step == 0


def test_slow_parts_learn_at_a_share_of_the_rate() -> None:
    slow = config().model_copy(
        update={
            "model": ModelSection(
                config=SMALL["fast-unet"], slow={"encoder": 0.1, "encoder.0": 0.2}
            )
        }
    )
    learner = make_learner(slow)
    shares = {
        id(p): group["share"] for group in learner.optimiser.param_groups for p in group["params"]
    }
    told = {name: shares[id(p)] for name, p in learner.network.named_parameters()}
    assert told["encoder.0.0.first.weight"] == 0.2
    assert {share for name, share in told.items() if not name.startswith("encoder.")} == {1.0}


def test_a_slow_part_that_is_not_there_is_named() -> None:
    slow = config().model_copy(
        update={"model": ModelSection(config=SMALL["fast-unet"], slow={"tail": 0.1})}
    )
    with pytest.raises(UsageProblem, match=r"model\.slow.*tail.*known: .*encoder"):
        make_learner(slow)


def test_moments_find_their_weights_when_other_parts_are_slow(tmp_path: Path) -> None:
    first = make_learner(config())
    for place, parameter in enumerate(first.network.parameters()):
        parameter.grad = torch.full_like(parameter, 1.0 + place)
    first.optimiser.step()
    checkpoint(first, tmp_path)
    slow = config().model_copy(
        update={"model": ModelSection(config=SMALL["fast-unet"], slow={"encoder": 0.1})}
    )
    second = make_learner(slow)
    resume(second, tmp_path)
    pairs = zip(first.network.parameters(), second.network.parameters(), strict=True)
    for before, after in pairs:
        moments = (
            one.optimiser.state[p]["exp_avg"] for one, p in ((first, before), (second, after))
        )
        assert torch.equal(*moments)
