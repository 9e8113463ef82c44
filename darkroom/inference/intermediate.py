"""OpenVINO's models as bytes, and the marks on the layers that compute in float32 come what may.

OpenVINO calls such layers "precise". It reads the marks and does not write them, so they are put
back into what it writes.
"""

import re
import tempfile
from collections.abc import Set
from pathlib import Path
from xml.etree import ElementTree

import openvino

COUNTED = re.compile(r"([A-Za-z]+)_[0-9]+")  # names that OpenVINO gives


def written(model: openvino.Model) -> tuple[bytes, bytes]:
    """Return a model's XML, without marks, and its weights."""
    with tempfile.TemporaryDirectory(prefix="darkroom-") as folder:
        xml, weights = Path(folder, "network.xml"), Path(folder, "network.bin")
        openvino.save_model(model, xml, compress_to_fp16=False)
        return xml.read_bytes(), weights.read_bytes()


def name_in_order(model: openvino.Model) -> None:
    """Let a model's picture be called so, and number what OpenVINO named by a count of its own.

    So equal models are equal bytes, whatever was made before them.
    """
    model.output(0).set_names({"picture"})
    for place, node in enumerate(model.get_ordered_ops()):
        if counted := COUNTED.fullmatch(node.get_friendly_name()):
            node.set_friendly_name(f"{counted[1]}_{place}")


def marked_layers(xml: bytes) -> set[str]:
    """Return the names of the layers that are marked."""
    layers = ElementTree.fromstring(xml).iter("layer")
    path = "rt_info/attribute[@name='precise']"
    return {layer.attrib["name"] for layer in layers if layer.find(path) is not None}


def with_marks(xml: bytes, names: Set[str]) -> bytes:
    """Mark the layers of these names."""
    root = ElementTree.fromstring(xml)
    for layer in root.iter("layer"):
        if layer.attrib["name"] in names:
            notes = ElementTree.Element("rt_info")
            ElementTree.SubElement(notes, "attribute", name="precise", version="0")
            layer.insert(1, notes)
    return ElementTree.tostring(root)
