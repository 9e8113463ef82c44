from darkroom.cli.eval_models import facts_of
from darkroom.inference.torch_engine import TorchEngine
from darkroom.networks import NETWORKS
from darkroom.zoo.card import Card
from tests.conftest import SMALL


def test_facts_name_the_weights_and_where_they_ran() -> None:
    network = NETWORKS["unet"](**SMALL["unet"])
    card = Card(name="one", version="3", network="unet", halo=1, multiple_of=1, sha256="abc")
    facts = facts_of(card, TorchEngine(network, "cpu", "fp32"))
    assert facts == {
        "model": "one",
        "version": "3",
        "sha256": "abc",
        "network": "unet",
        "engine": "torch",
        "device": "cpu fp32",
        "gpu": None,
    }
