import math
import os
import socket
import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.camera import exif, wire
from darkroom.camera.bayer import PHASES
from darkroom.camera.raw import MONO, Exposure, NoiseLevel, RawImage
from darkroom.camera.wire import (
    Garbled,
    from_message,
    problem_message,
    problem_of,
    take,
    to_message,
)
from darkroom.errors import FailureCode, FileProblem

MOSAIC = np.zeros((4, 4), np.uint16)

texts = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)  # surrogates too
positive = st.floats(1e-9, 1e9)
maybe = st.none() | positive


def wholes(kind: int):
    return st.integers(*wire.RANGES[kind])


def lists(kind: int):
    return st.lists(wholes(kind), min_size=1, max_size=9).map(tuple)


def fractions(kind: int):
    pairs = st.lists(st.tuples(wholes(kind), wholes(kind)), min_size=1, max_size=5)
    return pairs.map(lambda found: tuple(part for pair in found for part in pair))


VALUES = {
    exif.ASCII: texts,
    exif.BYTE: st.binary(max_size=60),
    exif.UNDEFINED: st.binary(max_size=60),
    exif.SHORT: lists(exif.SHORT),
    exif.LONG: lists(exif.LONG),
    exif.SLONG: lists(exif.SLONG),
    exif.RATIONAL: fractions(exif.RATIONAL),
    exif.SRATIONAL: fractions(exif.SRATIONAL),
}
entries = st.sampled_from(sorted(VALUES)).flatmap(
    lambda kind: st.tuples(
        st.sampled_from(wire.EXIF_PLACES), st.integers(0, 65535), st.just(kind), VALUES[kind]
    )
)
fours = st.tuples(*[positive] * 4)
frames = st.builds(
    RawImage,
    mosaic=st.just(MOSAIC),
    phase=st.sampled_from(PHASES),
    black=st.tuples(*[st.floats(0, 1000)] * 4),
    white=st.floats(1001, 65535),
    white_balance=st.tuples(*[st.floats(0.01, 50)] * 3),
    xyz_to_camera=st.lists(st.floats(-9, 9), min_size=9, max_size=9).map(
        lambda values: np.reshape(values, (3, 3))
    ),
    orientation=st.integers(1, 8),
    exposure=st.builds(Exposure, maybe, maybe, maybe),
    noise_profile=st.none() | st.builds(NoiseLevel, fours, fours),
    make=texts,
    model=texts,
    lens=texts,
    exif=st.lists(entries, max_size=6).map(tuple),
    warnings=st.lists(texts, max_size=3).map(tuple),
    doubts=st.lists(texts, max_size=3).map(tuple),
)


def example(**changes) -> RawImage:
    return RawImage(MOSAIC, "RGGB", (1.0,) * 4, 9.0, (2.0, 1.0, 1.5), np.eye(3), **changes)


def over_a_socket(message):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire.send(ours, message)
        found = wire.receive(theirs)
    assert found is not None
    return found[0]


@settings(deadline=None)
@given(frames)
def test_a_frame_arrives_as_it_was(raw):
    found = from_message(over_a_socket(to_message(raw)), MOSAIC)
    assert np.array_equal(found.xyz_to_camera, raw.xyz_to_camera)
    for name in RawImage.__dataclass_fields__:
        if name not in ("mosaic", "xyz_to_camera"):
            assert getattr(found, name) == getattr(raw, name)
    assert found.mosaic is MOSAIC


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_garbled(data):
    arrived = bytearray(data)
    try:
        message = take(arrived)
    except Garbled:
        return
    assert message is None or isinstance(message, dict)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda parts: st.lists(parts, max_size=5) | st.dictionaries(st.text(max_size=3), parts),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.sampled_from(wire.FIELDS), anything)
def test_any_value_of_any_field_is_taken_or_garbled(name, value):
    message = to_message(example()) | {name: value}
    try:
        raw = from_message(message, MOSAIC)
    except Garbled:
        return
    assert np.isfinite([raw.white, *raw.black, *raw.white_balance, *raw.xyz_to_camera.flat]).all()


@pytest.mark.parametrize(
    "change",
    [
        {"phase": "RGBW"},
        {"phase": ["RGGB"]},
        {"black": [1.0] * 3},
        {"black": [9.0] * 4},
        {"black": [-1.0] * 4},
        {"black": [True] * 4},
        {"white": math.nan},
        {"white": math.inf},
        {"white": 10**400},
        {"white_balance": [0, 1, 1]},
        {"xyz_to_camera": [1.0] * 10},
        {"orientation": 0},
        {"orientation": 1.0},
        {"orientation": True},
        {"exposure": [0.0, None, None]},
        {"exposure": [None]},
        {"noise_profile": [1.0] * 7},
        {"texts": ["x" * 5000, "", ""]},
        {"texts": ["", ""]},
        {"warnings": ["w"] * 101},
        {"warnings": "text"},
        {"doubts": [1]},
        {"exif": [["image", 271, exif.ASCII]]},
        {"exif": [["maker", 271, exif.ASCII, "x"]]},
        {"exif": [["image", -1, exif.ASCII, "x"]]},
        {"exif": [["image", 70_000, exif.ASCII, "x"]]},
        {"exif": [["image", 271, exif.ASCII, ["x"]]]},
        {"exif": [["image", 271, 6, [1]]]},
        {"exif": [["image", 271, [2], "x"]]},
        {"exif": [["exif", 34855, exif.SHORT, [65_536]]]},
        {"exif": [["exif", 34855, exif.SHORT, [1.5]]]},
        {"exif": [["exif", 34855, exif.SHORT, []]]},
        {"exif": [["exif", 34855, exif.SHORT, [1] * 2001]]},
        {"exif": [["exif", 33434, exif.RATIONAL, [1, 2, 3]]]},
        {"exif": [["exif", 33434, exif.UNDEFINED, "?"]]},
        {"exif": [["exif", 33434, exif.UNDEFINED, "é"]]},
        {"exif": [["exif", 33434, exif.UNDEFINED, "A" * 8196]]},
        {"exif": [["image", 271, exif.ASCII, "x"]] * 201},
        {"unknown": 1},
    ],
)
def test_what_cannot_be_true_is_garbled(change):
    message = to_message(example())
    from_message(message, MOSAIC)
    with pytest.raises(Garbled):
        from_message(message | change, MOSAIC)


def test_a_monochrome_frame_arrives_only_where_one_was_asked_for():
    message = to_message(example()) | {"phase": MONO}
    assert from_message(message, MOSAIC, monochrome=True).phase == MONO
    assert from_message(to_message(example()), MOSAIC, monochrome=True).phase == "RGGB"
    with pytest.raises(Garbled):
        from_message(message, MOSAIC)
    with pytest.raises(Garbled):
        from_message(message | {"phase": "GREY"}, MOSAIC, monochrome=True)


@pytest.mark.parametrize("name", wire.FIELDS)
def test_every_field_is_needed(name):
    message = to_message(example())
    del message[name]
    with pytest.raises(Garbled):
        from_message(message, MOSAIC)
    with pytest.raises(Garbled):
        from_message([message], MOSAIC)


def test_entries_that_no_file_could_hold_stay_behind():
    good = ("image", 271, exif.ASCII, "Maker")
    odd = ("exif", 34855, exif.SHORT, (70_000,)), ("exif", 1, exif.SHORT, object())
    found = from_message(to_message(example(exif=(odd[0], good, odd[1]))), MOSAIC)
    assert found.exif == (good,)


def test_a_message_in_pieces_is_one_message_and_the_next_one_waits():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire.send(ours, {"a": 1})
        wire.send(ours, {"b": string.ascii_letters})
        data = theirs.recv(1000)
    arrived, found = bytearray(), []
    for byte in data:
        arrived.append(byte)
        message = take(arrived)
        if message is not None:
            found.append(message)
    assert found == [{"a": 1}, {"b": string.ascii_letters}]
    assert arrived == b""


def test_open_files_travel_with_their_message(tmp_path):
    (tmp_path / "file").write_bytes(b"inside")
    ours, theirs = socket.socketpair()
    with ours, theirs, (tmp_path / "file").open("rb") as file:
        wire.send(ours, {"kind": "decode"}, [file.fileno()])
        message, files = wire.receive(theirs)
    assert message == {"kind": "decode"}
    with os.fdopen(files[0], "rb") as received:
        assert received.read() == b"inside"


def test_a_closed_channel_is_the_end():
    ours, theirs = socket.socketpair()
    with theirs:
        ours.close()
        assert wire.receive(theirs) is None


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\x05hello",
        b"\0\0\0\x02[]",
        b"\0\0\0\x01\xff",
        (wire.MAX_MESSAGE + 1).to_bytes(4, "big"),
        (200_000).to_bytes(4, "big") + b"[" * 200_000,
        (9000).to_bytes(4, "big") + b"9" * 9000,
    ],
)
def test_what_is_no_message_is_garbled(data):
    with pytest.raises(Garbled):
        take(bytearray(data))


def test_a_problem_arrives_as_it_was():
    sent = FileProblem(FailureCode.TRUNCATED, "too short", "copy it again")
    found = problem_of(over_a_socket(problem_message(sent)))
    assert (found.code, found.what, found.advice) == (sent.code, sent.what, sent.advice)
    long = problem_of(problem_message(FileProblem(FailureCode.INTERNAL, "x" * 10_000)))
    assert len(long.what) == exif.MAX_TEXT


@pytest.mark.parametrize(
    "change", [{"code": "E_NEW"}, {"code": ["E_EMPTY"]}, {"what": 1}, {"advice": None}, {"more": 1}]
)
def test_a_problem_that_is_none_is_garbled(change):
    message = problem_message(FileProblem(FailureCode.EMPTY, "empty"))
    with pytest.raises(Garbled):
        problem_of(message | change)


@pytest.mark.parametrize("value", [0, 11, 2.0, True, "3", None])
def test_whole_numbers_are_checked(value):
    assert wire.whole({"rows": 3}, "rows", range(1, 11)) == 3
    with pytest.raises(Garbled):
        wire.whole({"rows": value}, "rows", range(1, 11))
