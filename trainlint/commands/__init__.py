"""What the commands of the command line do; `trainlint.cli` only declares them."""
