"""Launch lines: which program a script starts, with which options, in how many processes."""
