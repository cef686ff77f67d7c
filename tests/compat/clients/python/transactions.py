"""Transactions with confluent-kafka: `transactions.py MODE BOOTSTRAP TRANSACTIONALID INPUT OUTPUT GROUP [NAME=VALUE...]`.

See tests/compat/transaction-member.ts for the modes and for what it prints."""

import os
import signal
import sys
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

PARTITIONS = 3
mode, bootstrap, transactional_id, source, output, group = sys.argv[1:7]
options = dict(word.split("=", 1) for word in sys.argv[7:])
stopping = False


def stop(*_):
    global stopping
    stopping = True


def say(*words):
    print(*words, flush=True)


def new_producer():
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": transactional_id, "linger.ms": 2, "transaction.timeout.ms": 20_000,
                         "reconnect.backoff.max.ms": 500})
    producer.init_transactions(60)
    return producer


def commit(producer):
    while True:
        try:
            return producer.commit_transaction(30)
        except KafkaException as error:
            if not error.args[0].retriable():
                raise
            say("again", error.args[0].name())


def rewind(consumer):
    """Back to what is committed."""
    for partition in consumer.committed(consumer.assignment(), 30):
        if partition.offset < 0:
            partition.offset = 0
        consumer.seek(partition)


def copy():
    tag = f"{os.getpid()}.{time.monotonic_ns()}"
    producer = new_producer()
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "isolation.level": "read_committed", "enable.auto.commit": False,
                         "auto.offset.reset": "earliest", "session.timeout.ms": int(options.get("session", "2000")), "heartbeat.interval.ms": 300,
                         "max.poll.interval.ms": 30_000, "fetch.wait.max.ms": 100, "reconnect.backoff.max.ms": 500})
    consumer.subscribe([source])
    say("ready")
    transactions = 0
    while not stopping:
        messages = [message for message in consumer.consume(int(options.get("records", "20")), 0.1) if message.error() is None]
        if not messages:
            continue
        transactions += 1
        producer.begin_transaction()
        try:
            offsets = {}
            for index, message in enumerate(messages):
                value = f"{message.value().decode()} {tag}.{transactions} {index} {len(messages)}"
                producer.produce(output, value, message.key(), message.partition())
                offsets[message.partition()] = TopicPartition(source, message.partition(), message.offset() + 1)
            # When the broker ends here librdkafka 2.16 may wait for ever, whatever the time-out (its issues 5456 and 5511): a new start helps.
            signal.alarm(4)
            producer.send_offsets_to_transaction(list(offsets.values()), consumer.consumer_group_metadata(), 30)
            signal.alarm(0)
            commit(producer)
            say("committed", len(messages))
        except KafkaException as error:
            if not error.args[0].txn_requires_abort():
                raise
            producer.abort_transaction(30)
            rewind(consumer)
            say("aborted", error.args[0].name())
    consumer.close()


def send(producer, what):
    for i in range(10 * PARTITIONS):
        producer.produce(output, f"{what} {i}", f"k{i}", i % PARTITIONS)
    producer.flush(30)


def abort():
    producer = new_producer()
    for number in range(3):
        producer.begin_transaction()
        send(producer, f"gone{number}")
        producer.abort_transaction(30)
        say("aborted")
        producer.begin_transaction()
        send(producer, f"stays{number}")
        producer.commit_transaction(30)
        say("committed", 30)


def fence():
    elder = new_producer()
    elder.begin_transaction()
    send(elder, "elder")
    younger = new_producer()
    younger.begin_transaction()
    send(younger, "younger")
    try:
        send(elder, "fenced")
        elder.commit_transaction(30)
    except KafkaException as error:
        code = error.args[0]
        say("fenced", code.name() if code.code() != KafkaError._STATE else f"{code.name()} {code.str()}")
    younger.commit_transaction(30)
    say("committed", 30)


signal.signal(signal.SIGTERM, stop)
{"copy": copy, "abort": abort, "fence": fence}[mode]()
say("left")
