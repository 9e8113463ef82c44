"""The networks darkroom knows, by name: this dict is the whole registry.

Each takes amplified planes (N, 4, h, w) and their noise (N, 8), any size, and gives a picture
(N, 3, 2h, 2w). It states how it is cut into tiles (`halo`, `multiple_of`, in packed pixels) and
what it needs while it runs (`bytes_per_pixel`, in float32, per packed pixel).
"""

from darkroom.networks.attention_unet import AttentionUNet
from darkroom.networks.double_unet import DoubleUNet
from darkroom.networks.fast_unet import FastUNet
from darkroom.networks.unet import DeepUNet, UNet
from darkroom.networks.vae_unet import VaeUNet

Network = FastUNet | UNet | DeepUNet | AttentionUNet | DoubleUNet | VaeUNet

NETWORKS: dict[str, type[Network]] = {
    "fast-unet": FastUNet,
    "unet": UNet,
    "deep-unet": DeepUNet,
    "attention-unet": AttentionUNet,
    "double-unet": DoubleUNet,
    "vae-unet": VaeUNet,
}
