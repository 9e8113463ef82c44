"""What a file is by its first bytes, whatever its name says."""

HEAD_BYTES = 4096

# (offset, bytes, name): the types that people rename by mistake.
SIGNATURES = (
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (0, b"GIF8", "a GIF picture"),
    (0, b"BM", "a BMP picture"),
    (8, b"WEBP", "a WebP picture"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (0, b"\x76\x2f\x31\x01", "an OpenEXR picture"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"\x1aE\xdf\xa3", "a Matroska video"),
    (8, b"AVI ", "an AVI video"),
)

# Brands of the ISO base media format (MP4 and its relatives); "crx " is Canon's CR3.
BRANDS = {
    b"heic": "a HEIC picture",
    b"heix": "a HEIC picture",
    b"mif1": "a HEIC picture",
    b"avif": "an AVIF picture",
    b"qt  ": "a QuickTime video",
}


def foreign_type(head: bytes) -> str:
    r"""Return the name of a file type that is surely no RAW file, "" for everything else.

    >>> foreign_type(b"\xff\xd8\xff\xe1 Exif"), foreign_type(b"II*\0")
    ('a JPEG picture', '')
    """
    for offset, signature, name in SIGNATURES:
        if head[offset : offset + len(signature)] == signature:
            return name
    if head[4:8] == b"ftyp" and head[8:12] != b"crx ":
        return BRANDS.get(head[8:12], "an MP4 video")
    if not head.strip(b"\0"):
        return "filled with zeros"
    return "a text file" if is_text(head) else ""


def is_text(head: bytes) -> bool:
    """Whether bytes read as UTF-8 text; the last character may be cut."""
    text = head.decode("utf-8", "ignore")
    whole = len(text.encode()) >= len(head) - 3
    return whole and all(letter.isprintable() or letter in "\t\r\n\f" for letter in text)
