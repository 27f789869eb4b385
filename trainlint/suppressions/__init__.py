"""Comments and settings that silence findings."""
