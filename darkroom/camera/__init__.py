"""RAW files in: reading, Bayer planes, exposure, noise; and the sensors darkroom can simulate."""
