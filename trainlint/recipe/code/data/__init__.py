"""What a program reads, in which order, and what happens to it on the way to the model."""
