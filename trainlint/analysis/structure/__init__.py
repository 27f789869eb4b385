"""What networks are built of, as far as a unit and its class tell: layers, and where they are kept."""
