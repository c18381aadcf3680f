"""How far a group is behind, asked of the broker every time, over two connections that stay open."""

from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streamapp.kafka.clients import client_options
from streamapp.settings import KafkaSettings


class LagMeter:
    """Measures one group's lag on one topic. Any error means the broker could not be asked; ask again later."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._admin: Any = None
        self._consumer: Any = None

    async def measure(self, partitions: int) -> int:
        """Records of the topic that the group has not committed."""
        await self._connect()
        tps = [TopicPartition(self._kafka.topic, partition) for partition in range(partitions)]
        ends = await self._consumer.end_offsets(tps)
        begins = await self._consumer.beginning_offsets(tps)
        found = await self._admin.list_consumer_group_offsets(self._kafka.group, partitions=tps)
        committed = {tp: there.offset for tp, there in found.items() if there.offset >= 0}
        return sum(max(0, end - committed.get(tp, begins[tp])) for tp, end in ends.items())

    async def _connect(self) -> None:
        if self._consumer is not None:
            return
        options = client_options(self._kafka)
        consumer = AIOKafkaConsumer(**options, group_id=None, enable_auto_commit=False)
        admin = AIOKafkaAdminClient(**options)
        try:
            await consumer.start()
            await admin.start()
        except BaseException:
            await consumer.stop()
            await admin.close()
            raise
        self._consumer, self._admin = consumer, admin

    async def close(self) -> None:
        """Let the connections go; the next call opens new ones."""
        consumer, admin, self._consumer, self._admin = self._consumer, self._admin, None, None
        if consumer is not None:
            await consumer.stop()
            await admin.close()
