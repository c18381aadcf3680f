"""Measured on the machine at hand: `make bench ARGS="pipeline --json"`, or `python -m benchmarks pipeline`.

`pipeline` — how many events per second our worker handles, beside what else one might have written.

All in one run on one local Kafka, over the same records (16 partitions, 5 % duplicates, 1 % that cannot be used),
with the same vectors, embedded beforehand, and the same store (Qdrant's engine in a process of its own, the same
payloads and indexes). Three contenders take turns, a few rounds, and the medians count:

  pipeline           our worker as a user starts it, with everything it does
  hand_written_loop  a careful confluent-kafka loop: no live tables, no ledger, no dedup that survives a crash
  stock_faust        Faust 0.15.3 as it comes: one event at a time, ids in a RocksDB table (fewer events, it is slow)

What is timed: from the first record handled until the broker has every offset of the topic committed. Imports, the
model, the group's joining and the recovery of tables come before; the wait for the last checkpoint and commit (up to
two seconds for our worker) is inside, so more events give a higher figure. Our worker's beginning is read from
`/status` and dated to the last look that saw nothing begun; the broker is asked for commits ten times a second.
After every run the points, products and dead letters are counted against what was produced, and a run that lost or
doubled anything ends the benchmark with exit code 5.

Ratios say how many times a rival's figure ours is: `hand_written_loop` is what the worker's promises cost (0.6 and
more is meant), `stock_faust` what partition batches bring (2 and more). Processor time per run stands beside each
figure, for on two cores the broker, the contender and the store's process compete, and so does whatever else runs.
"""
