"""Training of the small networks that ship with the package, on drawn scenes in which everything is known."""
