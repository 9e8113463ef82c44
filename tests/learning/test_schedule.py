import pytest

from darkroom.learning.config import TrainingSection
from darkroom.learning.schedule import FINAL_SHARE, SCHEDULES, learning_rate


def section(**facts: object) -> TrainingSection:
    return TrainingSection.model_validate({"steps": 100, "warmup": 0, "learning_rate": 1, **facts})


def test_every_schedule_of_the_configuration_exists() -> None:
    choices = TrainingSection.model_fields["schedule"].annotation
    assert set(SCHEDULES) == set(choices.__args__)  # type: ignore[union-attr]


def test_the_cosine_falls_to_its_end() -> None:
    training = section()
    rates = [learning_rate(step, training) for step in range(101)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == 1
    assert rates[-1] == pytest.approx(FINAL_SHARE)


def test_stairs_fall_after_so_many_steps() -> None:
    training = section(schedule="step", step_every=10, gamma=0.5)
    rates = [learning_rate(step, training) for step in (0, 9, 10, 19, 20, 39)]
    assert rates == [1, 1, 0.5, 0.5, 0.25, 0.125]


def test_a_tenth_at_half_as_sid_has_it() -> None:
    training = section(schedule="step", step_every=50, gamma=0.1, learning_rate=1e-4)
    assert learning_rate(49, training) == 1e-4
    assert learning_rate(99, training) == pytest.approx(1e-5)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_rate_warms_up_in_every_schedule(schedule: str) -> None:
    training = section(schedule=schedule, warmup=4, step_every=50)
    assert [learning_rate(step, training) for step in range(4)] == [0.25, 0.5, 0.75, 1]
