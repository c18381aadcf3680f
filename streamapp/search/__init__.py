"""The room of questions: semantic search and recommendations over the store."""
