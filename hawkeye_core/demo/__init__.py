"""The demonstration: one command from an empty folder to a report."""
