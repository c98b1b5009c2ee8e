"""Other systems on the same videos: any video-text model of transformers, and motion energy."""
