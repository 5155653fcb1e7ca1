"""The plugin: what this package registers. Nothing heavy is imported before a factory is called."""
