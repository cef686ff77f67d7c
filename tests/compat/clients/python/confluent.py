"""confluent-kafka (librdkafka) against a broker: `confluent.py BOOTSTRAP PREFIX`."""

import sys
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic, ResourceType

import scenario


class Client:
    def __init__(self, bootstrap):
        self.base = {"bootstrap.servers": bootstrap}
        self.admin = AdminClient(self.base)

    def create(self, topic, partitions, config):
        self.admin.create_topics([NewTopic(topic, partitions, 1, config=config)])[topic].result(20)

    def produce(self, topic, partition, records, codec):
        failures = []
        producer = Producer({**self.base, "compression.codec": codec, "enable.idempotence": True, "linger.ms": 20, "message.max.bytes": 10_000_000})
        for key, value, headers, timestamp in records:
            while True:
                try:
                    producer.produce(topic, value, key, partition, headers=headers, timestamp=timestamp,
                                     on_delivery=lambda error, _: failures.append(error) if error else None)
                    break
                except BufferError:
                    producer.poll(0.1)
        assert producer.flush(60) == 0, "records were not delivered in 60 s"
        assert not failures, failures[:3]

    def consumer(self):
        return Consumer({**self.base, "group.id": "assigned-only", "enable.auto.commit": False, "auto.offset.reset": "error",
                         "check.crcs": True, "fetch.message.max.bytes": 12_000_000, "fetch.max.bytes": 60_000_000})

    def consume(self, topic, partition, offset, count):
        consumer = self.consumer()
        consumer.assign([TopicPartition(topic, partition, offset)])
        found, deadline = [], time.monotonic() + 60
        while len(found) < count and time.monotonic() < deadline:
            for message in consumer.consume(min(1000, count - len(found)), 1.0):
                if message.error():
                    raise KafkaException(message.error())
                assert message.offset() == offset + len(found), (message.offset(), offset + len(found))
                found.append((message.key(), message.value(), message.headers() or [], message.timestamp()[1]))
        consumer.close()
        return found

    def produce_error(self, topic, value):
        errors = []
        producer = Producer({**self.base, "message.timeout.ms": 15_000, "message.max.bytes": 10_000_000})
        try:
            producer.produce(topic, value, on_delivery=lambda error, _: errors.append(error))
            producer.flush(20)
        except KafkaException as error:
            errors.append(error.args[0])
        assert errors and errors[0] is not None, "no error came"
        return f"{errors[0].name()} {errors[0]}"

    def offset_for_time(self, topic, partition, timestamp):
        consumer = self.consumer()
        offset = consumer.offsets_for_times([TopicPartition(topic, partition, timestamp)], 20)[0].offset
        consumer.close()
        return offset

    def topics(self):
        return self.admin.list_topics(timeout=20).topics

    def partitions(self, topic):
        return len(self.admin.list_topics(topic, timeout=20).topics[topic].partitions)

    def alter(self, topic, name, value):
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        self.admin.incremental_alter_configs([resource])[resource].result(20)

    def describe(self, topic):
        resource = ConfigResource(ResourceType.TOPIC, topic)
        return {name: entry.value for name, entry in self.admin.describe_configs([resource])[resource].result(20).items()}

    def add_partitions(self, topic, count):
        self.admin.create_partitions([NewPartitions(topic, count)])[topic].result(20)
        time.sleep(0.5)

    def delete(self, topic):
        self.admin.delete_topics([topic])[topic].result(20)
        time.sleep(0.5)


scenario.run(Client(sys.argv[1]), sys.argv[2])
