"""ReconSim: a drawn world of recon-videos in which joints, boxes, relations, segments and reasons are known."""
