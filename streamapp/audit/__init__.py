"""The room that proves the ledger: a recount from Kafka itself, held against the ledger, the store and dead letters."""
