"""A page in the browser: a video in; a player with a timeline, evidence and a conversation out. Needs Gradio."""
