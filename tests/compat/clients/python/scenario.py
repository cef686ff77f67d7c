"""What every Python client is asked to do; a client brings the functions that do it (see the two programs beside).

A check prints one line, `ok NAME` or `fail NAME: why`; the exit code is 1 when one failed."""

import sys
import traceback

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
FIRST_TIMESTAMP = 1_700_000_000_000
MANY = 100_000


def record(i):
    """Record i: (key, value, headers, timestamp); some keys and values are null."""
    key = None if i % 7 == 0 else f"key-{i}".encode()
    value = None if i % 14 == 3 else f"value-{i}-".encode() + b"x" * (i % 97)
    return key, value, [("index", str(i).encode()), ("empty", b"")], FIRST_TIMESTAMP + i


def same(expected, found):
    if expected != found:
        for i, (a, b) in enumerate(zip(expected, found)):
            assert a == b, f"record {i}: {str(a)[:200]} was written, {str(b)[:200]} was read"
        raise AssertionError(f"{len(expected)} records were written, {len(found)} were read")


def run(client, prefix):
    failed = False

    def check(name, body):
        nonlocal failed
        try:
            body()
            print(f"ok {name}", flush=True)
        except Exception as error:  # noqa: BLE001, every failure is reported under the check's name
            failed = True
            traceback.print_exc()
            print(f"fail {name}: {type(error).__name__} {str(error)[:300]}", flush=True)

    def codec(name):
        topic = f"{prefix}-codec-{name}"
        client.create(topic, 3, {})
        expected = [record(i) for i in range(300)]
        client.produce(topic, 1, expected, name)
        same(expected, client.consume(topic, 1, 0, 300))

    def sizes():
        topic = f"{prefix}-sizes"
        client.create(topic, 1, {"max.message.bytes": "10000000"})
        expected = [(b"k", bytes([65 + i]) * size, [], FIRST_TIMESTAMP + i) for i, size in enumerate([1, 1000, 100_000, 1_000_000, 8_000_000])]
        client.produce(topic, 0, expected, "none")
        same(expected, client.consume(topic, 0, 0, len(expected)))

    many = [record(i) for i in range(MANY)]
    topic = f"{prefix}-many"

    def all_in_order():
        client.create(topic, 1, {})
        client.produce(topic, 0, many, "lz4")
        same(many, client.consume(topic, 0, 0, MANY))

    def invalid():
        error = client.produce_error("bad topic/name", b"x")
        assert "INVALID_TOPIC" in error or "InvalidTopic" in error or "Invalid topic" in error or "is illegal" in error, error

    def oversized():
        client.create(f"{prefix}-small", 1, {"max.message.bytes": "2000"})
        error = client.produce_error(f"{prefix}-small", b"x" * 5000)
        assert "MSG_SIZE_TOO_LARGE" in error or "MessageSizeTooLarge" in error or "RecordTooLarge" in error or "too large" in error.lower(), error

    def alter():
        client.alter(f"{prefix}-many", "retention.ms", "86400001")
        assert client.describe(f"{prefix}-many")["retention.ms"] == "86400001"

    def partitions():
        client.add_partitions(f"{prefix}-many", 4)
        assert client.partitions(f"{prefix}-many") == 4, client.partitions(f"{prefix}-many")

    def delete():
        client.delete(f"{prefix}-small")
        assert f"{prefix}-small" not in client.topics()

    for name in CODECS:
        check(f"codec-{name}", lambda name=name: codec(name))
    check("sizes", sizes)
    check("many", all_in_order)
    check("from-offset", lambda: same(many[50_000:50_100], client.consume(topic, 0, 50_000, 100)))
    check("by-time", lambda: same([77_777], [client.offset_for_time(topic, 0, FIRST_TIMESTAMP + 77_777)]))
    check("metadata", lambda: same([3], [client.partitions(f"{prefix}-codec-none")]))
    check("invalid-topic", invalid)
    check("oversized", oversized)
    check("admin-alter", alter)
    check("admin-partitions", partitions)
    check("admin-delete", delete)
    sys.exit(1 if failed else 0)
