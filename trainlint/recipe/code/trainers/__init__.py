"""Runs of trainers that a framework brings: settings objects, modules of the Lightning kind."""
