"""The ablation study on a drawn world: which parts of the method earn their place."""
