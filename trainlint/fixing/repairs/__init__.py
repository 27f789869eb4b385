"""Repairs that a page's edits cannot say: functions from a ground to edits, named by pages as `make`."""
