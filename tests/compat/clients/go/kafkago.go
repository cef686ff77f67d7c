package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/compress"
)

type kafkaGoClient struct {
	bootstrap string
}

func newKafkaGo(bootstrap string) (client, error) {
	return &kafkaGoClient{bootstrap}, nil
}

// client is a new one each time: a transport keeps metadata for seconds, and would not see what another connection did.
func (c *kafkaGoClient) client() *kafka.Client {
	return &kafka.Client{Addr: kafka.TCP(c.bootstrap), Timeout: 30 * time.Second, Transport: &kafka.Transport{}}
}

// conn is the old half of the library, which asks for fixed versions.
func (c *kafkaGoClient) conn() (*kafka.Conn, error) {
	conn, err := kafka.Dial("tcp", c.bootstrap)
	if err != nil {
		return nil, err
	}
	broker, err := conn.Controller()
	conn.Close()
	if err != nil {
		return nil, err
	}
	return kafka.Dial("tcp", net.JoinHostPort(broker.Host, strconv.Itoa(broker.Port)))
}

func (c *kafkaGoClient) create(topic string, partitions int, config map[string]string) error {
	conn, err := c.conn()
	if err != nil {
		return err
	}
	defer conn.Close()
	var entries []kafka.ConfigEntry
	for name, value := range config {
		entries = append(entries, kafka.ConfigEntry{ConfigName: name, ConfigValue: value})
	}
	return conn.CreateTopics(kafka.TopicConfig{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1, ConfigEntries: entries})
}

var kafkaGoCodecs = map[string]compress.Compression{"none": 0, "gzip": compress.Gzip, "snappy": compress.Snappy, "lz4": compress.Lz4, "zstd": compress.Zstd}

// fixed sends every record to one partition.
type fixed int

func (p fixed) Balance(kafka.Message, ...int) int { return int(p) }

func (c *kafkaGoClient) produce(topic string, partition int, records []record, codec string) error {
	ctx, cancel := within()
	defer cancel()
	writer := &kafka.Writer{Addr: kafka.TCP(c.bootstrap), Topic: topic, Balancer: fixed(partition), Compression: kafkaGoCodecs[codec],
		BatchSize: 1000, BatchBytes: 10_000_000, BatchTimeout: 5 * time.Millisecond, RequiredAcks: kafka.RequireAll, MaxAttempts: 2,
		Transport: &kafka.Transport{}}
	defer writer.Close()
	for start := 0; start < len(records); start += 5000 {
		var messages []kafka.Message
		for _, r := range records[start:min(start+5000, len(records))] {
			message := kafka.Message{Key: r.key, Value: r.value, Time: time.UnixMilli(r.timestamp)}
			for _, header := range r.headers {
				message.Headers = append(message.Headers, kafka.Header{Key: header[0], Value: []byte(header[1])})
			}
			messages = append(messages, message)
		}
		if err := writer.WriteMessages(ctx, messages...); err != nil {
			return err
		}
	}
	return nil
}

func (c *kafkaGoClient) consume(topic string, partition int, offset int64, count int) ([]record, error) {
	ctx, cancel := within()
	defer cancel()
	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{c.bootstrap}, Topic: topic, Partition: partition, MaxBytes: 12_000_000})
	defer reader.Close()
	if err := reader.SetOffset(offset); err != nil {
		return nil, err
	}
	var found []record
	for len(found) < count {
		m, err := reader.ReadMessage(ctx)
		if err != nil {
			return nil, fmt.Errorf("%d of %d records came: %w", len(found), count, err)
		}
		if m.Offset != offset+int64(len(found)) {
			return nil, fmt.Errorf("offset %d came where %d was due", m.Offset, offset+int64(len(found)))
		}
		r := record{key: m.Key, value: m.Value, timestamp: m.Time.UnixMilli()}
		for _, header := range m.Headers {
			r.headers = append(r.headers, [2]string{header.Key, string(header.Value)})
		}
		found = append(found, r)
	}
	return found, nil
}

func (c *kafkaGoClient) produceError(topic string, value []byte) error {
	ctx, cancel := within()
	defer cancel()
	writer := &kafka.Writer{Addr: kafka.TCP(c.bootstrap), Topic: topic, BatchTimeout: time.Millisecond, MaxAttempts: 1,
		RequiredAcks: kafka.RequireAll, AllowAutoTopicCreation: true, Transport: &kafka.Transport{}}
	defer writer.Close()
	return writer.WriteMessages(ctx, kafka.Message{Value: value})
}

func (c *kafkaGoClient) offsetForTime(topic string, partition int, timestamp int64) (int64, error) {
	conn, err := kafka.DialLeader(context.Background(), "tcp", c.bootstrap, topic, partition)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	return conn.ReadOffset(time.UnixMilli(timestamp))
}

func (c *kafkaGoClient) partitions(topic string) (int, error) {
	conn, err := c.conn()
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	found, err := conn.ReadPartitions(topic)
	return len(found), err
}

func (c *kafkaGoClient) exists(topic string) (bool, error) {
	ctx, cancel := within()
	defer cancel()
	answer, err := c.client().Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return false, err
	}
	for _, found := range answer.Topics {
		if found.Name == topic {
			return true, nil
		}
	}
	return false, nil
}

func (c *kafkaGoClient) alter(topic, name, value string) error {
	ctx, cancel := within()
	defer cancel()
	resource := kafka.AlterConfigRequestResource{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic,
		Configs: []kafka.AlterConfigRequestConfig{{Name: name, Value: value}}}
	answer, err := c.client().AlterConfigs(ctx, &kafka.AlterConfigsRequest{Resources: []kafka.AlterConfigRequestResource{resource}})
	if err != nil {
		return err
	}
	for _, failure := range answer.Errors {
		err = failure
	}
	return err
}

func (c *kafkaGoClient) describe(topic, name string) (string, error) {
	ctx, cancel := within()
	defer cancel()
	resource := kafka.DescribeConfigRequestResource{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic, ConfigNames: []string{name}}
	answer, err := c.client().DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{resource}})
	if err != nil {
		return "", err
	}
	return answer.Resources[0].ConfigEntries[0].ConfigValue, answer.Resources[0].Error
}

func (c *kafkaGoClient) addPartitions(topic string, count int) error {
	ctx, cancel := within()
	defer cancel()
	answer, err := c.client().CreatePartitions(ctx, &kafka.CreatePartitionsRequest{Topics: []kafka.TopicPartitionsConfig{{Name: topic, Count: int32(count)}}})
	if err != nil {
		return err
	}
	return answer.Errors[topic]
}

func (c *kafkaGoClient) remove(topic string) error {
	conn, err := c.conn()
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.DeleteTopics(topic)
}
