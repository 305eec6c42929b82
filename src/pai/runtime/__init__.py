"""Engines that hold agents. Import from the submodules: `prepare` runs with the least there is."""
