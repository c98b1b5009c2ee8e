"""The motions of ReconSim, keyframed: each function drafts one variant of a motion."""
