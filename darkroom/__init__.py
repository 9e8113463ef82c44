"""darkroom: extremely dark camera RAW files into clean pictures, in batches, from the shell."""

__version__ = "0.1.0"
__all__ = ["__version__"]
