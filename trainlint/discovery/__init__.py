"""From the paths a user names to projects and their files."""
