"""What the Python members of a group print, one line for each event; see tests/compat/group-member.ts for the lines."""

import signal
import sys


class Member:
    def __init__(self):
        self.bootstrap, self.group, self.topic, self.name = sys.argv[1:5]
        self.options = dict(word.split("=", 1) for word in sys.argv[5:])
        self.session_timeout_ms = int(self.options.get("session", "3000"))
        self.heartbeat_interval_ms = 300
        self.stopping = False
        self.owned = set()
        signal.signal(signal.SIGTERM, self.stop)

    def stop(self, *_):
        self.stopping = True

    def say(self, *words):
        print(*words, flush=True)

    def assigned(self, partitions):
        """Partitions were added, given as (topic, number)."""
        self.owned |= {f"{topic}-{number}" for topic, number in partitions}
        self.tell()

    def revoked(self, partitions):
        self.owned -= {f"{topic}-{number}" for topic, number in partitions}
        self.tell()

    def tell(self):
        self.say("assigned", *(sorted(self.owned) or ["-"]))

    def record(self, topic, partition, offset, key, value):
        self.say("record", f"{topic}-{partition}", offset, key.decode(), value.decode())

    def committed(self, offsets):
        """`offsets` are (topic, number, offset)."""
        for topic, partition, offset in offsets:
            self.say("committed", f"{topic}-{partition}", offset)
