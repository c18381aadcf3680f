"""A Faust worker that does nothing but note what it is handed and ack it: `noting_worker.py SERVERS TOPIC NAME FOLDER`.

Every batch is a line `partition first last records` in FOLDER/NAME.offsets, written before the ack; a worker that
comes back under its name goes on with its file.
"""

import os
import sys
from pathlib import Path

import faust

from streamapp.kafka.transport import SCHEME, batching

servers, topic, name, folder = sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4])
app = faust.App(
    f"{topic}-group",
    broker=f"{SCHEME}://{servers}",
    datadir=folder / name,
    store="memory://",
    value_serializer="raw",
    consumer_auto_offset_reset="earliest",
    consumer_group_instance_id=name,
    broker_session_timeout=6.0,
    broker_request_timeout=30.0,
    broker_commit_interval=0.5,
    stream_buffer_maxsize=16,
    stream_wait_empty=False,
    topic_disable_leader=True,
    web_enabled=False,
)
batching(app).topics.add(topic)
batching(app).max_records = 200
notes = os.open(folder / f"{name}.offsets", os.O_WRONLY | os.O_CREAT | os.O_APPEND)


@app.agent(app.topic(topic, key_type=bytes, value_type=bytes, value_serializer="raw"), name="note")
async def note(stream):
    async for event in stream.noack().events():
        records = event.message.value.records
        line = f"{event.message.partition} {records[0].offset} {records[-1].offset} {len(records)}\n"
        os.write(notes, line.encode())
        await stream.ack(event)


if __name__ == "__main__":
    faust.Worker(app, loglevel="WARNING", redirect_stdouts=False, quiet=True).execute_from_commandline()
