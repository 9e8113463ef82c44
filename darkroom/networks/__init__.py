"""The networks darkroom knows, by name: this dict is the whole registry."""

from torch import nn

from darkroom.networks.fast_unet import FastUNet
from darkroom.networks.unet import UNet

NETWORKS: dict[str, type[nn.Module]] = {"fast-unet": FastUNet, "unet": UNet}
