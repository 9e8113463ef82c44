"""Training: clean scenes, simulated pairs, losses, the loop and its checkpoints."""
