"""Models: weights with their card, found, verified, loaded."""
