"""What single formats say that fields cannot: one module each."""
