"""How each kind of thing is built of convex parts; the front is at +y, the ground at z = 0."""
