"""The room of producers: synthetic visits, replays, and the manifest that says what was planted."""
