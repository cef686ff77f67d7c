"""kafka-python against a broker: `kafka_python.py BOOTSTRAP PREFIX`."""

import sys
import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

import scenario


class Client:
    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.admin = KafkaAdminClient(bootstrap_servers=bootstrap)

    def create(self, topic, partitions, config):
        self.admin.create_topics({topic: {"num_partitions": partitions, "replication_factor": 1, "configs": config}})

    def produce(self, topic, partition, records, codec):
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, compression_type=None if codec == "none" else codec, linger_ms=20,
                                 max_request_size=10_000_000, max_block_ms=20_000)
        sent = [producer.send(topic, value, key, headers, partition, timestamp) for key, value, headers, timestamp in records]
        producer.flush(60)
        for future in sent:
            future.get(1)
        producer.close()

    def consumer(self):
        return KafkaConsumer(bootstrap_servers=self.bootstrap, group_id=None, enable_auto_commit=False, auto_offset_reset="none",
                             check_crcs=True, max_partition_fetch_bytes=12_000_000, consumer_timeout_ms=20_000)

    def consume(self, topic, partition, offset, count):
        consumer = self.consumer()
        where = TopicPartition(topic, partition)
        consumer.assign([where])
        consumer.seek(where, offset)
        found = []
        for message in consumer:
            assert message.offset == offset + len(found), (message.offset, offset + len(found))
            found.append((message.key, message.value, list(message.headers), message.timestamp))
            if len(found) == count:
                break
        consumer.close()
        return found

    def produce_error(self, topic, value):
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, max_block_ms=10_000, max_request_size=10_000_000)
        try:
            producer.send(topic, value).get(15)
        except Exception as error:  # noqa: BLE001, the error is what was asked for
            return f"{type(error).__name__} {error}"
        finally:
            producer.close(5)
        raise AssertionError("no error came")

    def offset_for_time(self, topic, partition, timestamp):
        consumer = self.consumer()
        where = TopicPartition(topic, partition)
        offset = consumer.offsets_for_times({where: timestamp})[where].offset
        consumer.close()
        return offset

    def topics(self):
        return self.admin.list_topics()

    def partitions(self, topic):
        return len(self.admin.describe_topics([topic])[0]["partitions"])

    def alter(self, topic, name, value):
        self.admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {name: value})])

    def describe(self, topic):
        found = self.admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all")
        entries = found["topic"][topic] if "topic" in found else next(iter(next(iter(found.values())).values()))
        return {name: entry["value"] if isinstance(entry, dict) else entry for name, entry in entries.items()}

    def add_partitions(self, topic, count):
        self.admin.create_partitions({topic: count})
        time.sleep(0.5)

    def delete(self, topic):
        self.admin.delete_topics([topic])
        time.sleep(0.5)


scenario.run(Client(sys.argv[1]), sys.argv[2])
