"""The room that turns product texts into vectors, each text once."""
