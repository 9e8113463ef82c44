"""Many files: find them, plan their outputs, work through them, publish."""
