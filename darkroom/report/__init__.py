"""What people and scripts are told: progress, summaries, one record a file."""
