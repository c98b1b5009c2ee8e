"""A conversation about a video: questions behind the kept keys and values of its scene tokens, and its terminal."""
