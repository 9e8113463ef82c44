"""The networks darkroom knows, by name: this dict is the whole registry.

Each takes amplified planes (N, 4, h, w) and their noise (N, 8), any size, and gives a picture
(N, 3, 2h, 2w). It states how it is cut into tiles (`halo`, `multiple_of`, in packed pixels) and
what it needs while it runs (`bytes_per_pixel`, in float32, per packed pixel).
"""

from darkroom.networks.fast_unet import FastUNet
from darkroom.networks.unet import UNet

Network = FastUNet | UNet

NETWORKS: dict[str, type[Network]] = {"fast-unet": FastUNet, "unet": UNet}
