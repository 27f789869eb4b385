"""Seeds of a program, and what else decides whether a run can be repeated."""
