"""How far two pictures are apart: pure functions on arrays."""
