"""What a program or a config trains with."""
