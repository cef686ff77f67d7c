// Three Go clients against a broker: `compat CLIENT BOOTSTRAP PREFIX`. A check prints `ok NAME` or `fail NAME: why`.
package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

const (
	firstTimestamp = int64(1_700_000_000_000)
	many           = 100_000
)

type record struct {
	key, value []byte
	headers    [][2]string
	timestamp  int64
}

// client is what a library must do; each of the other files does it with one.
type client interface {
	create(topic string, partitions int, config map[string]string) error
	produce(topic string, partition int, records []record, codec string) error
	consume(topic string, partition int, offset int64, count int) ([]record, error)
	produceError(topic string, value []byte) error
	offsetForTime(topic string, partition int, timestamp int64) (int64, error)
	partitions(topic string) (int, error)
	exists(topic string) (bool, error)
	alter(topic, name, value string) error
	describe(topic, name string) (string, error)
	addPartitions(topic string, count int) error
	remove(topic string) error
}

// nth is record i; some keys and values are null.
func nth(i int) record {
	r := record{timestamp: firstTimestamp + int64(i), headers: [][2]string{{"index", strconv.Itoa(i)}, {"empty", ""}}}
	if i%7 != 0 {
		r.key = []byte(fmt.Sprintf("key-%d", i))
	}
	if i%14 != 3 {
		r.value = []byte(fmt.Sprintf("value-%d-%s", i, strings.Repeat("x", i%97)))
	}
	return r
}

func upTo(count int) []record {
	records := make([]record, count)
	for i := range records {
		records[i] = nth(i)
	}
	return records
}

func equal(a, b record) bool {
	if !bytes.Equal(a.key, b.key) || (a.key == nil) != (b.key == nil) || !bytes.Equal(a.value, b.value) || (a.value == nil) != (b.value == nil) {
		return false
	}
	if a.timestamp != b.timestamp || len(a.headers) != len(b.headers) {
		return false
	}
	for i := range a.headers {
		if a.headers[i] != b.headers[i] {
			return false
		}
	}
	return true
}

func same(expected, found []record) error {
	for i := range expected {
		if i >= len(found) {
			return fmt.Errorf("%d records were written, %d were read", len(expected), len(found))
		}
		if !equal(expected[i], found[i]) {
			return fmt.Errorf("record %d: %.200v was written, %.200v was read", i, expected[i], found[i])
		}
	}
	return nil
}

func main() {
	library, bootstrap, prefix := os.Args[1], os.Args[2], os.Args[3]
	makers := map[string]func(string) (client, error){"sarama": newSarama, "franz-go": newFranz, "kafka-go": newKafkaGo}
	c, err := makers[library](bootstrap)
	if err != nil {
		fmt.Println("fail connect:", err)
		os.Exit(1)
	}
	failed := false
	check := func(name string, body func() error) {
		if err := body(); err != nil {
			failed = true
			fmt.Printf("fail %s: %.300v\n", name, err)
		} else {
			fmt.Printf("ok %s\n", name)
		}
	}
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		check("codec-"+codec, func() error { return writeAndRead(c, prefix+"-codec-"+codec, upTo(300), codec) })
	}
	check("sizes", func() error {
		var records []record
		for i, size := range []int{1, 1000, 100_000, 1_000_000, 8_000_000} {
			value := bytes.Repeat([]byte{byte('A' + i)}, size)
			records = append(records, record{key: []byte("k"), value: value, timestamp: firstTimestamp + int64(i)})
		}
		return writeAndRead(c, prefix+"-sizes", records, "none")
	})
	everything := upTo(many)
	check("many", func() error { return writeAndRead(c, prefix+"-many", everything, "lz4") })
	check("from-offset", func() error {
		found, err := c.consume(prefix+"-many", 0, 50_000, 100)
		if err != nil {
			return err
		}
		return same(everything[50_000:50_100], found)
	})
	check("by-time", func() error {
		offset, err := c.offsetForTime(prefix+"-many", 0, firstTimestamp+77_777)
		return expect(offset, int64(77_777), err)
	})
	check("metadata", func() error {
		count, err := c.partitions(prefix + "-codec-none")
		return expect(count, 3, err)
	})
	check("invalid-topic", func() error { return expectError(c.produceError("bad topic/name", []byte("x")), "topic") })
	check("oversized", func() error {
		if err := c.create(prefix+"-small", 1, map[string]string{"max.message.bytes": "2000"}); err != nil {
			return err
		}
		return expectError(c.produceError(prefix+"-small", bytes.Repeat([]byte("x"), 5000)), "too large", "MESSAGE_TOO_LARGE", "larger than")
	})
	check("admin-alter", func() error {
		if err := c.alter(prefix+"-many", "retention.ms", "86400001"); err != nil {
			return err
		}
		value, err := c.describe(prefix+"-many", "retention.ms")
		return expect(value, "86400001", err)
	})
	check("admin-partitions", func() error {
		if err := c.addPartitions(prefix+"-many", 4); err != nil {
			return err
		}
		count, err := c.partitions(prefix + "-many")
		return expect(count, 4, err)
	})
	check("admin-delete", func() error {
		if err := c.remove(prefix + "-small"); err != nil {
			return err
		}
		exists, err := c.exists(prefix + "-small")
		return expect(exists, false, err)
	})
	if failed {
		os.Exit(1)
	}
}

func writeAndRead(c client, topic string, records []record, codec string) error {
	partitions, partition := 1, 0
	if strings.Contains(topic, "-codec-") {
		partitions, partition = 3, 1
	}
	if err := c.create(topic, partitions, map[string]string{"max.message.bytes": "10000000"}); err != nil {
		return err
	}
	if err := c.produce(topic, partition, records, codec); err != nil {
		return err
	}
	found, err := c.consume(topic, partition, 0, len(records))
	if err != nil {
		return err
	}
	return same(records, found)
}

func expect[T comparable](found, expected T, err error) error {
	if err == nil && found != expected {
		err = fmt.Errorf("%v was expected, %v came", expected, found)
	}
	return err
}

func expectError(err error, words ...string) error {
	if err == nil {
		return fmt.Errorf("no error came")
	}
	for _, word := range words {
		if strings.Contains(strings.ToLower(err.Error()), strings.ToLower(word)) {
			return nil
		}
	}
	return fmt.Errorf("another error came: %w", err)
}
