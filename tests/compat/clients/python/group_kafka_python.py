"""A member of a group with kafka-python: `group_kafka_python.py BOOTSTRAP GROUP TOPIC MEMBER [assignor=NAME] [instance=ID]`.

It commits after each batch, before the next poll; what was refused, in a rebalance, with the next batch or before its partition goes."""

import time

from kafka import ConsumerRebalanceListener, KafkaConsumer
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from kafka.errors import KafkaConnectionError, KafkaError
from kafka.structs import OffsetAndMetadata

from group import Member

ASSIGNORS = {"range": RangePartitionAssignor, "roundrobin": RoundRobinPartitionAssignor, "sticky": StickyPartitionAssignor,
             "cooperative-sticky": CooperativeStickyAssignor}
member = Member()


class Listener(ConsumerRebalanceListener):
    def on_partitions_assigned(self, assigned):
        member.assigned(assigned)

    def on_partitions_revoked(self, revoked):
        commit()
        self.on_partitions_lost(revoked)

    def on_partitions_lost(self, lost):
        for where in lost:
            offsets.pop(where, None)
        member.revoked(lost)


def commit():
    if not offsets:
        return
    try:
        consumer.commit(offsets)
    except KafkaError as error:
        member.say("refused", type(error).__name__)
        return
    member.committed((where.topic, where.partition, offset.offset) for where, offset in offsets.items())
    offsets.clear()


# partition -> the offset after the last record handled
offsets = {}


consumer = KafkaConsumer(
    bootstrap_servers=member.bootstrap, group_id=member.group, client_id=member.name, group_instance_id=member.options.get("instance"),
    session_timeout_ms=member.session_timeout_ms, heartbeat_interval_ms=member.heartbeat_interval_ms, auto_offset_reset="earliest",
    enable_auto_commit=False, fetch_max_wait_ms=200, max_poll_interval_ms=10_000,
    partition_assignment_strategy=(ASSIGNORS[member.options.get("assignor", "range")],))
consumer.subscribe([member.topic], listener=Listener())
member.say("ready")
while not member.stopping:
    try:
        batches = consumer.poll(timeout_ms=200)
    except KafkaConnectionError:  # this client tells so that the broker is away
        time.sleep(0.1)
        continue
    for where, messages in batches.items():
        for message in messages:
            member.record(message.topic, message.partition, message.offset, message.key, message.value)
        offsets[where] = OffsetAndMetadata(messages[-1].offset + 1, "", -1)
    commit()
consumer.close()
member.say("left")
