"""One's own videos: segments with reasons, and what was seen that speaks for them."""
