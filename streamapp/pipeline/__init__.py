"""The room an event walks through: ingest, seen, embed, sink, tables, ledger, checkpoint."""
