"""What comes out of a network, and whether its loss is made for that."""
