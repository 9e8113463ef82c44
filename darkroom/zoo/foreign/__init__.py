"""Checkpoints of other programs: read apart, recognised by their tensors, turned into ours."""
