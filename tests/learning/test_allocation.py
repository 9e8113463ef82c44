import subprocess
import sys

import pytest

# Frees and asks for 64 MB again and again; says how many pages had to be found.
PROGRAM = """
import ctypes, resource, sys
from darkroom.learning.allocation import keep_freed_memory
told = keep_freed_memory() if sys.argv[1] == "keep" else False
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
for _ in range(9):
    buffer = libc.malloc(64 << 20)
    ctypes.memset(buffer, 1, 64 << 20)
    libc.free(buffer)
print(int(told), resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def told_and_faults(mode: str) -> tuple[int, int]:
    line = [sys.executable, "-c", PROGRAM, mode]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    told, faults = done.stdout.split()
    return int(told), int(faults)


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is told")
def test_kept_memory_is_not_asked_for_again() -> None:
    told, faults = told_and_faults("keep")
    if told:  # another C library than glibc is left as it is
        assert faults < told_and_faults("plain")[1] / 2
