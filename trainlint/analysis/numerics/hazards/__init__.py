"""Sites of hazards that stand apart from roots, quotients and logarithms: precision, branches, selections."""
