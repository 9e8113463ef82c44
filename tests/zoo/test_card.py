from typing import Any

import pytest

from darkroom.errors import EnvironmentProblem, UsageProblem
from darkroom.zoo.card import Card, card_from_header, check_task


def card(**changes: object) -> Card:
    facts: dict[str, Any] = {"name": "tiny", "network": "unet", "halo": 16, "multiple_of": 4}
    return Card(**facts | changes)


def test_survives_a_header_of_strings() -> None:
    original = card(config={"width": 4, "blocks": [1, 2]}, scores={"psnr": 30.5}, clip=True)
    header = original.to_header()
    assert all(isinstance(value, str) for value in header.values())
    assert card_from_header(header, "file") == original


@pytest.mark.parametrize("name", ["../evil", "Upper", "", "a/b", "x" * 65, "-leading"])
def test_refuses_names_that_could_leave_the_folder(name: str) -> None:
    with pytest.raises(ValueError, match="of a card is unusable"):
        card(name=name)


@pytest.mark.parametrize("header", [{}, {"name": "not json"}, {"name": '"tiny"', "other": "1"}])
def test_a_foreign_header_is_said_to_be_one(header: dict[str, str]) -> None:
    with pytest.raises(EnvironmentProblem, match="no darkroom card"):
        card_from_header(header, "file")


@pytest.mark.parametrize(
    "changes",
    [
        {"config": {"width": 1025}},
        {"config": {"width": -1}},
        {"config": {"width": 2.5}},
        {"config": {"blocks": [65]}},
        {"config": {"blocks": [1] * 9}},
        {"config": {"path": "elsewhere"}},
        {"config": {"width": 2.0}},
        {"config": {"blocks": [True]}},
        {"config": {"blocks": {"a": 1}}},
        {"config": [1]},
        {"halo": True},
        {"halo": 16.0},
        {"halo": "16"},
        {"clip": 1},
        {"task": "paint"},
        {"task": ["enhance"]},
        {"format": 1},
        {"licence": None},
        {"scores": {"psnr": "30"}},
        {"recipe": [1]},
        {"halo": 8193},
        {"multiple_of": 0},
    ],
)
def test_refuses_networks_beyond_all_measure(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="of a card is unusable"):
        card(**changes)


def test_a_card_has_one_spelling() -> None:
    header = card().to_header()
    assert card_from_header(header, "file") == card()
    for key, value in (("halo", "16.0"), ("clip", "0"), ("scores", '{"a":1.0}'), ("halo", "16 ")):
        with pytest.raises(EnvironmentProblem, match=r"damaged card|no darkroom card"):
            card_from_header({**header, key: value}, "file")


def test_a_card_nested_without_end_is_refused() -> None:
    header = {**card().to_header(), "recipe": '{"a":' * 100_000}
    with pytest.raises(EnvironmentProblem, match="no darkroom card"):
        card_from_header(header, "file")


def test_what_came_later_is_written_only_where_it_says_something() -> None:
    assert "working_side" not in card().to_header()
    sized = card(working_side=640)
    assert card_from_header(sized.to_header(), "file") == sized


def test_raw_planes_are_an_output_and_change_no_older_card() -> None:
    planes = card(output_space="raw-planes", input_space="planes")
    assert card_from_header(planes.to_header(), "file") == planes
    assert planes.to_header().keys() == card().to_header().keys()


def test_a_model_for_another_task_is_refused() -> None:
    check_task(card(), "enhance")
    with pytest.raises(UsageProblem, match="darkroom enhance"):
        check_task(card(), "colorize")
