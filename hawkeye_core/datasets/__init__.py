"""Sources of video and annotation."""
