"""The core's own commands, one module each, with ``add_to(app, plugins)``."""
