"""Networks on arrays: devices, precisions, memory and exact tiles."""
