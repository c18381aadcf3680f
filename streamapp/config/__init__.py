"""The room that reads settings: from a profile, a file, the environment and flags, and says where each came from."""

from streamapp.config.again import Reloaded, reload
from streamapp.config.names import Found
from streamapp.config.problems import WrongSettingsError
from streamapp.config.read import load_settings, origins

__all__ = ["Found", "Reloaded", "WrongSettingsError", "load_settings", "origins", "reload"]
