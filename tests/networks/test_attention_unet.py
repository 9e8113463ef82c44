import torch

from darkroom.networks.attention_unet import AttentionGate, AttentionUNet, halo
from darkroom.networks.unet import UNet


def test_weights_lie_between_zero_and_one_and_differ_over_the_picture() -> None:
    torch.manual_seed(0)
    gate = AttentionGate(8, 16)
    weights = gate.weights(1000 * torch.randn(2, 8, 16, 12), torch.randn(2, 16, 8, 6)).detach()
    assert weights.shape == (2, 1, 16, 12)
    assert 0 <= float(weights.min()) < 0.01
    assert 0.99 < float(weights.max()) <= 1


def test_a_gate_follows_both_the_skip_and_the_coarser_level() -> None:
    torch.manual_seed(0)
    gate, skip, coarse = AttentionGate(8, 16), torch.rand(1, 8, 8, 8), torch.rand(1, 16, 4, 4)
    before = gate.weights(skip, coarse)
    assert not torch.equal(before, gate.weights(skip + 1, coarse))
    assert not torch.equal(before, gate.weights(skip, coarse + 1))


def test_a_weight_is_that_of_the_equations() -> None:
    gate = AttentionGate(2, 2)
    skip, coarse = torch.full((1, 2, 2, 2), 0.5), torch.full((1, 2, 1, 1), 0.25)
    with torch.no_grad():
        for layer in (gate.skip, gate.gating, gate.score):
            layer.weight.fill_(0.5)
        gate.gating.bias.fill_(0.125)
        gate.score.bias.fill_(-1)
    summed = 0.5 * 8 * 0.5 + 0.5 * 2 * 0.25 + 0.125
    expected = torch.sigmoid(torch.tensor(0.5 * summed - 1))
    torch.testing.assert_close(gate.weights(skip, coarse), expected.expand(1, 1, 2, 2))
    torch.testing.assert_close(gate(skip, coarse), 0.5 * expected.expand(1, 2, 2, 2))


def test_with_open_gates_it_is_the_plain_network() -> None:
    torch.manual_seed(0)
    gated, plain = AttentionUNet(width=2, levels=3), UNet(width=2, levels=3)
    missing = gated.load_state_dict(plain.state_dict(), strict=False).missing_keys
    assert missing
    assert all(name.startswith("gates.") for name in missing)
    with torch.no_grad():
        for gate in gated.gates:
            gate.score.bias.fill_(100)
    planes = torch.rand(1, 4, 16, 16)
    torch.testing.assert_close(gated(planes), plain(planes))


def test_every_skip_has_a_gate_of_half_its_channels() -> None:
    gates = AttentionUNet().gates
    assert [gate.skip.out_channels for gate in gates] == [128, 64, 32, 16]


def test_interpolation_reaches_further() -> None:
    assert AttentionUNet(width=2).halo == halo(5) == 144
