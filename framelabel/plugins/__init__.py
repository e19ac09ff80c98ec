"""Plugins: a folder with a plugin.yaml becomes a checked manifest, then a detector with everything around it."""

from framelabel.plugins.building import Plugin, build
from framelabel.plugins.loading import known_plugins, load
from framelabel.plugins.schema import Manifest

__all__ = ["Manifest", "Plugin", "build", "known_plugins", "load"]
