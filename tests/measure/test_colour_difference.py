import numpy as np
import pytest

from darkroom.measure.colour_difference import delta_e_76, delta_e_2000, srgb_to_lab

# Sharma, Wu, Dalal 2005, table 1: L a b of both colours and their CIEDE2000 difference.
SHARMA = np.array(
    [
        (50.0000, 2.6772, -79.7751, 50.0000, 0.0000, -82.7485, 2.0425),
        (50.0000, 3.1571, -77.2803, 50.0000, 0.0000, -82.7485, 2.8615),
        (50.0000, 2.8361, -74.0200, 50.0000, 0.0000, -82.7485, 3.4412),
        (50.0000, -1.3802, -84.2814, 50.0000, 0.0000, -82.7485, 1.0000),
        (50.0000, -1.1848, -84.8006, 50.0000, 0.0000, -82.7485, 1.0000),
        (50.0000, -0.9009, -85.5211, 50.0000, 0.0000, -82.7485, 1.0000),
        (50.0000, 0.0000, 0.0000, 50.0000, -1.0000, 2.0000, 2.3669),
        (50.0000, -1.0000, 2.0000, 50.0000, 0.0000, 0.0000, 2.3669),
        (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0009, 7.1792),
        (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0010, 7.1792),
        (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0011, 7.2195),
        (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0012, 7.2195),
        (50.0000, -0.0010, 2.4900, 50.0000, 0.0009, -2.4900, 4.8045),
        (50.0000, -0.0010, 2.4900, 50.0000, 0.0010, -2.4900, 4.8045),
        (50.0000, -0.0010, 2.4900, 50.0000, 0.0011, -2.4900, 4.7461),
        (50.0000, 2.5000, 0.0000, 50.0000, 0.0000, -2.5000, 4.3065),
        (50.0000, 2.5000, 0.0000, 73.0000, 25.0000, -18.0000, 27.1492),
        (50.0000, 2.5000, 0.0000, 61.0000, -5.0000, 29.0000, 22.8977),
        (50.0000, 2.5000, 0.0000, 56.0000, -27.0000, -3.0000, 31.9030),
        (50.0000, 2.5000, 0.0000, 58.0000, 24.0000, 15.0000, 19.4535),
        (50.0000, 2.5000, 0.0000, 50.0000, 3.1736, 0.5854, 1.0000),
        (50.0000, 2.5000, 0.0000, 50.0000, 3.2972, 0.0000, 1.0000),
        (50.0000, 2.5000, 0.0000, 50.0000, 1.8634, 0.5757, 1.0000),
        (50.0000, 2.5000, 0.0000, 50.0000, 3.2592, 0.3350, 1.0000),
        (60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644),
        (63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.2630),
        (61.2901, 3.7196, -5.3901, 61.4292, 2.2480, -4.9620, 1.8731),
        (35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645),
        (22.7233, 20.0904, -46.6940, 23.0331, 14.9730, -42.5619, 2.0373),
        (36.4612, 47.8580, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146),
        (90.8027, -2.0831, 1.4410, 91.1528, -1.6435, 0.0447, 1.4441),
        (90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381),
        (6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377),
        (2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082),
    ]
)


def colours(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform([0, -90, -90], [100, 90, 90], (count, 3))


def test_ciede2000_reproduces_the_published_table():
    assert len(SHARMA) == 34
    difference = delta_e_2000(SHARMA[:, :3], SHARMA[:, 3:6])
    np.testing.assert_allclose(difference, SHARMA[:, 6], atol=5.1e-5)


def test_differences_do_not_depend_on_the_order():
    one, other = colours(500), colours(500, seed=1)
    for difference in (delta_e_76, delta_e_2000):
        forth, back = difference(one, other), difference(other, one)
        np.testing.assert_allclose(forth, back, rtol=1e-12)
        assert forth.min() > 0


def test_equal_colours_do_not_differ():
    one = np.concatenate([colours(50), [[0, 0, 0], [50, 0, 0], [100, 0, 0]]])
    assert delta_e_76(one, one).max() == 0
    assert delta_e_2000(one, one).max() == 0


def test_differences_equal_scikit_image():
    color = pytest.importorskip("skimage.color")
    one, other = colours(2000), colours(2000, seed=1)
    np.testing.assert_allclose(delta_e_76(one, other), color.deltaE_cie76(one, other))
    np.testing.assert_allclose(delta_e_2000(one, other), color.deltaE_ciede2000(one, other))


def test_differences_keep_the_shape_of_a_picture():
    lab = srgb_to_lab(np.random.default_rng(3).random((4, 5, 3)))
    assert delta_e_76(lab, lab[::-1]).shape == (4, 5)
    assert delta_e_2000(lab, lab[::-1]).shape == (4, 5)


def test_greys_have_no_colour_and_white_has_lightness_100():
    greys = srgb_to_lab(np.linspace(0, 1, 65)[:, None].repeat(3, axis=1))
    assert np.abs(greys[:, 1:]).max() < 1e-9
    assert np.diff(greys[:, 0]).min() > 0
    np.testing.assert_allclose(greys[[0, -1], 0], [0, 100], atol=1e-9)


def test_primaries_have_their_published_lab():
    primaries = srgb_to_lab(np.eye(3))
    published = [[53.24, 80.09, 67.20], [87.73, -86.18, 83.18], [32.30, 79.19, -107.86]]
    np.testing.assert_allclose(primaries, published, atol=0.02)


def test_lab_is_close_to_scikit_image_whose_white_is_rounded():
    color = pytest.importorskip("skimage.color")
    srgb = np.random.default_rng(4).random((500, 3))
    np.testing.assert_allclose(srgb_to_lab(srgb), color.rgb2lab(srgb), atol=0.03)


@pytest.mark.parametrize("difference", [delta_e_76, delta_e_2000])
def test_wrong_shapes_are_refused_in_words(difference):
    with pytest.raises(ValueError, match=r"differ in shape: \(2, 3\) and \(4, 3\)"):
        difference(np.zeros((2, 3)), np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"\(\.\.\., 3\), not \(3, 4\)"):
        difference(np.zeros((3, 4)), np.zeros((3, 4)))
