"""Preflight: what this machine, Kafka and the local state are like, and how to mend what is not right."""
