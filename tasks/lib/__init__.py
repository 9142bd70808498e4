"""What the tasks do, typed and importable without invoke: one concept a module."""
