"""Stage 1, object-relation and action enhanced pre-tuning: motions paired with image regions (paper, 3.3 and 4.1)."""
