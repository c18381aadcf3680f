"""The room of points: one protocol, the embedded Qdrant engine behind it, and the guard around it."""
