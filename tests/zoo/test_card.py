import pytest
from pydantic import ValidationError

from darkroom.errors import EnvironmentProblem
from darkroom.zoo.card import Card, card_from_header


def card(**changes: object) -> Card:
    facts = {"name": "tiny", "network": "unet", "halo": 16, "multiple_of": 4, **changes}
    return Card.model_validate(facts)


def test_survives_a_header_of_strings() -> None:
    original = card(config={"width": 4, "blocks": [1, 2]}, scores={"psnr": 30.5}, clip=True)
    header = original.to_header()
    assert all(isinstance(value, str) for value in header.values())
    assert card_from_header(header, "file") == original


@pytest.mark.parametrize("name", ["../evil", "Upper", "", "a/b", "x" * 65, "-leading"])
def test_refuses_names_that_could_leave_the_folder(name: str) -> None:
    with pytest.raises(ValidationError):
        card(name=name)


@pytest.mark.parametrize("header", [{}, {"name": "not json"}, {"name": '"tiny"', "other": "1"}])
def test_a_foreign_header_is_said_to_be_one(header: dict[str, str]) -> None:
    with pytest.raises(EnvironmentProblem, match="no darkroom card"):
        card_from_header(header, "file")
