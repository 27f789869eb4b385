"""What a user may set, where it is read from, and which rules it selects."""

from trainlint.settings.model import Settings, SettingsError

__all__ = ["Settings", "SettingsError"]
