"""CRC-32C, the checksum of TensorFlow's files: RFC 3720, appendix B.4, for many bytes at once.

The state after two pieces is the first one's, moved over as many zero bytes as the second one is
long, plus (exclusive or) the second one's. So pieces of equal length are worked on side by side
and joined in pairs.
"""

import numpy as np
import numpy.typing as npt

POLYNOMIAL = 0x82F63B78  # Castagnoli's, lowest bit first
ALL_ONES = 0xFFFFFFFF
PIECE = 1024  # bytes
MASK_DELTA = 0xA282EAD8  # leveldb's table format

States = npt.NDArray[np.uint32]


def _table() -> States:
    states: States = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        states = np.where(states & 1, POLYNOMIAL, 0).astype(np.uint32) ^ (states >> np.uint32(1))
    return states


TABLE = _table()


def crc32c(data: bytes) -> int:
    """Return the checksum.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    if len(data) < PIECE:
        return int(_states(np.frombuffer(data, np.uint8)[:, None], ALL_ONES)[0]) ^ ALL_ONES
    count = 1 << (-(-len(data) // PIECE) - 1).bit_length()
    padded = np.zeros(count * PIECE, np.uint8)  # zeros in front leave the state zero
    start = padded.size - len(data)
    padded[start:] = np.frombuffer(data, np.uint8)
    padded[start : start + 4] ^= 0xFF  # which is what beginning with ones does
    states = _states(np.ascontiguousarray(padded.reshape(count, PIECE).T), 0)
    moved = _states(np.zeros((PIECE, 1), np.uint8), np.uint32(1) << np.arange(32, dtype=np.uint32))
    while len(states) > 1:
        states = _moved(states[::2], moved) ^ states[1::2]
        moved = _moved(moved, moved)
    return int(states[0]) ^ ALL_ONES


def masked(checksum: int) -> int:
    """Return a checksum as files store it, so that one of data with checksums inside stays good."""
    turned = (checksum >> 15 | checksum << 17) & ALL_ONES
    return (turned + MASK_DELTA) & ALL_ONES


def _states(columns: npt.NDArray[np.uint8], first: int | States) -> States:
    """Return the states after the bytes of each column of (bytes, pieces), begun with `first`."""
    shape = np.broadcast_shapes(columns.shape[1:], np.shape(first))
    states = np.broadcast_to(np.asarray(first, np.uint32), shape)
    for row in columns:
        states = TABLE[(states ^ row) & 0xFF] ^ (states >> 8)
    return states


def _moved(states: States, moved: States) -> States:
    """Move states over zero bytes, given what becomes of each of the 32 bits."""
    total = np.zeros_like(states)
    for bit, value in enumerate(moved):
        total ^= np.where(states >> np.uint32(bit) & 1, value, np.uint32(0))
    return total
