"""The room that speaks Kafka: the local broker, its jars, topics, client options and the partition-batch transport."""
