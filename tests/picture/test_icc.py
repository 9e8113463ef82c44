import hashlib
import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from darkroom.picture.icc import icc_profile

RELATIVE_COLORIMETRIC = 1


def to_srgb(pixels: np.ndarray, name: str) -> np.ndarray:
    """Convert 8-bit pixels with profile `name` to the sRGB of LittleCMS."""
    profile = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile(name)))
    converted = ImageCms.profileToProfile(
        Image.fromarray(pixels),
        profile,
        ImageCms.createProfile("sRGB"),
        renderingIntent=RELATIVE_COLORIMETRIC,
    )
    return np.asarray(converted)


def test_our_srgb_is_that_of_littlecms() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    np.testing.assert_array_equal(to_srgb(pixels, "srgb"), pixels)


@pytest.mark.parametrize("name", ["srgb", "linear-srgb"])
def test_white_and_black_stay(name: str) -> None:
    ends = np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)
    np.testing.assert_array_equal(to_srgb(ends, name), ends)


def test_the_linear_profile_is_decoded_with_a_straight_line() -> None:
    grey = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    linear = grey / 255.0
    encoded = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    assert np.abs(to_srgb(grey, "linear-srgb") - encoded * 255).max() <= 1


@pytest.mark.parametrize("name", ["srgb", "linear-srgb"])
def test_colorants_add_up_to_the_white_of_the_connection_space(name: str) -> None:
    profile = icc_profile(name)
    white = np.zeros(3)
    for index in range(10):
        signature, offset, _ = struct.unpack_from(">4sII", profile, 132 + 12 * index)
        if signature in (b"rXYZ", b"gXYZ", b"bXYZ"):
            white += np.array(struct.unpack_from(">3i", profile, offset + 8)) / 65536
    assert np.abs(white - [0.9642, 1.0, 0.8249]).max() < 3 / 65536


@pytest.mark.parametrize("name", ["srgb", "linear-srgb"])
def test_size_and_identity_in_the_header_are_right(name: str) -> None:
    profile = icc_profile(name)
    assert struct.unpack_from(">I", profile)[0] == len(profile) < 600
    unsigned = profile[:84] + bytes(16) + profile[100:]
    assert profile[84:100] == hashlib.md5(unsigned).digest()


def test_unknown_profiles_are_refused() -> None:
    with pytest.raises(KeyError):
        icc_profile("adobe")
