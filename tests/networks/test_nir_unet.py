import torch

from darkroom.networks.nir_unet import NirUNet, TripletUNet


def test_an_untrained_network_shows_the_picture_as_it_is() -> None:
    nir = torch.rand(1, 1, 40, 56)
    assert torch.allclose(NirUNet(8, 2).eval()(nir), nir.expand(-1, 3, -1, -1))


def test_one_corner_changes_the_colours_of_the_other() -> None:
    torch.manual_seed(0)
    network = NirUNet(8, 3, widest=16).eval()
    with torch.no_grad():
        for tensor in network.parameters():
            tensor.add_(0.1 * torch.randn_like(tensor))
    nir = torch.rand(1, 1, 256, 256, requires_grad=True)
    (slope,) = torch.autograd.grad(network(nir)[..., -8:, -8:].sum(), nir)
    assert bool(slope[..., :8, :8].any())


def test_the_way_back_has_three_planes_in_and_one_out() -> None:
    network = NirUNet(8, 2, inputs=3, outputs=1).eval()
    assert network(torch.rand(1, 3, 20, 30)).shape == (1, 1, 20, 30)


def test_the_channels_of_a_triplet_share_nothing() -> None:
    torch.manual_seed(0)
    network = TripletUNet(4, 2, widest=8).eval()
    with torch.no_grad():
        for tensor in network.parameters():
            tensor.add_(0.1 * torch.randn_like(tensor))
    network(torch.rand(1, 1, 16, 16))[:, 1].sum().backward()
    slopes = {name: p.grad for name, p in network.named_parameters()}
    learned = {name.split(".")[1] for name, slope in slopes.items() if slope.any()}
    assert learned == {"1"}
