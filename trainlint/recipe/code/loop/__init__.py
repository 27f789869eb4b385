"""What happens in one pass of a loop, in order, and what is wrong with that."""
