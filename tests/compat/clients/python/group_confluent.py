"""A member of a group with confluent-kafka: `group_confluent.py BOOTSTRAP GROUP TOPIC MEMBER [assignor=NAME] [protocol=consumer] [instance=ID]`.

It commits after each batch, before the next poll; what was refused, in a rebalance, with the next batch or before its partition goes."""

import sys

from confluent_kafka import Consumer, KafkaException, TopicPartition

from group import Member

member = Member()
settings = {"bootstrap.servers": member.bootstrap, "group.id": member.group, "client.id": member.name, "auto.offset.reset": "earliest",
            "enable.auto.commit": False, "fetch.wait.max.ms": 200, "topic.metadata.refresh.interval.ms": 2000}
if member.options.get("protocol") == "consumer":
    settings["group.protocol"] = "consumer"
else:
    settings |= {"session.timeout.ms": member.session_timeout_ms, "heartbeat.interval.ms": member.heartbeat_interval_ms,
                 "max.poll.interval.ms": 10_000, "partition.assignment.strategy": member.options.get("assignor", "range")}
if "instance" in member.options:
    settings["group.instance.id"] = member.options["instance"]
consumer = Consumer(settings)


def names(partitions):
    return [(partition.topic, partition.partition) for partition in partitions]


def commit():
    if not offsets:
        return
    try:
        done = consumer.commit(offsets=[TopicPartition(*where, offset) for where, offset in offsets.items()], asynchronous=False)
    except KafkaException as error:
        member.say("refused", error.args[0].name())
        return
    for each in done:
        if each.error is None:
            member.committed([(each.topic, each.partition, each.offset)])
            del offsets[each.topic, each.partition]
        else:
            member.say("refused", each.error.name())


def lost(_, partitions):
    for where in names(partitions):
        offsets.pop(where, None)
    member.revoked(names(partitions))


def revoked(_, partitions):
    commit()
    lost(_, partitions)


# (topic, partition) -> the offset after the last record handled
offsets = {}
consumer.subscribe([member.topic], on_assign=lambda _, partitions: member.assigned(names(partitions)), on_revoke=revoked, on_lost=lost)
member.say("ready")
while not member.stopping:
    for message in consumer.consume(100, 0.1):
        if message.error():
            print(message.error(), file=sys.stderr)
            continue
        member.record(message.topic(), message.partition(), message.offset(), message.key(), message.value())
        offsets[message.topic(), message.partition()] = message.offset() + 1
    commit()
consumer.close()
member.say("left")
