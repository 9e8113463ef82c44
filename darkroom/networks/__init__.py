"""The networks darkroom knows, by name: these dicts are the whole registry.

Those from a mosaic take amplified planes (N, 4, h, w) and their noise (N, 8), any size, and give a
picture (N, 3, 2h, 2w). Those from near-infrared take a picture (N, 1, h, w) as its file codes it,
0..1, and give one in colour (N, 3, h, w); they are handed a noise as well, and ignore it. Those
that denoise take what those from a mosaic take, and give the mosaic back, (N, 1, 2h, 2w). Each
states how it is cut into tiles (`halo`, `multiple_of`, in pixels of what it takes) and what it
needs while it runs (`bytes_per_pixel`, in float32, for each of these pixels).
"""

from darkroom.networks.attention_unet import AttentionUNet
from darkroom.networks.double_unet import DoubleUNet
from darkroom.networks.fast_unet import FastUNet
from darkroom.networks.l3 import L3
from darkroom.networks.nir_cnn import NirCNN
from darkroom.networks.nir_lite import NirLite
from darkroom.networks.nir_unet import NirUNet, TripletUNet
from darkroom.networks.pmrid import PMRID
from darkroom.networks.raw_unet import RawUNet
from darkroom.networks.unet import DeepUNet, UNet
from darkroom.networks.vae_unet import VaeUNet

Network = (
    FastUNet
    | UNet
    | DeepUNet
    | AttentionUNet
    | DoubleUNet
    | VaeUNet
    | NirUNet
    | NirLite
    | NirCNN
    | TripletUNet
    | L3
    | PMRID
    | RawUNet
)

FROM_MOSAIC: dict[str, type[Network]] = {
    "fast-unet": FastUNet,
    "unet": UNet,
    "deep-unet": DeepUNet,
    "attention-unet": AttentionUNet,
    "double-unet": DoubleUNet,
    "vae-unet": VaeUNet,
}
FROM_NIR: dict[str, type[Network]] = {
    "nir-lite": NirLite,
    "nir-unet": NirUNet,
    "nir-cnn": NirCNN,
    "triplet-unet": TripletUNet,
    "l3": L3,
}
TO_MOSAIC: dict[str, type[Network]] = {
    "pmrid": PMRID,
    "raw-unet": RawUNet,
}
NETWORKS: dict[str, type[Network]] = {**FROM_MOSAIC, **FROM_NIR, **TO_MOSAIC}
