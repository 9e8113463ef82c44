"""Pictures out and in: rendering, tone, guided filter, files and their metadata."""
