"""Watching a source as it comes: windows, events, alerts. ``docs/watch.md`` has the rules."""
