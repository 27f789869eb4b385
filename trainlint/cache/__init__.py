"""What earlier runs found, kept beside the project: data only, checked before it is believed."""
