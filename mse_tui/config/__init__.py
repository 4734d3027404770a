"""A site's configuration: one TOML file, secrets by reference; a module a few tables that belong together."""
