"""From a config and the ones it is based on to what its run gets."""
