"""`python -m darkroom` is `darkroom`."""

from darkroom.cli import program

if __name__ == "__main__":
    program()
