"""Open files that others may have put there: only ordinary ones, and without waiting for pipes."""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

# O_BINARY is Windows', the others are not.
FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NONBLOCK"))


def open_regular(path: Path, *, follow: bool = True) -> BufferedReader:
    """Open a file for reading.

    Args:
        path: the file.
        follow: whether it may be a link to one.

    Raises:
        OSError: it is a pipe, a device, a folder or a link too many, or it cannot be read.
    """
    descriptor = os.open(path, FLAGS | (0 if follow else getattr(os, "O_NOFOLLOW", 0)))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no regular file")
    return os.fdopen(descriptor, "rb")
