package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

type franzClient struct {
	bootstrap string
	admin     *kadm.Client
}

func newFranz(bootstrap string) (client, error) {
	c, err := kgo.NewClient(kgo.SeedBrokers(bootstrap))
	if err != nil {
		return nil, err
	}
	return &franzClient{bootstrap, kadm.NewClient(c)}, nil
}

func within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 40*time.Second)
}

func (c *franzClient) create(topic string, partitions int, config map[string]string) error {
	ctx, cancel := within()
	defer cancel()
	entries := map[string]*string{}
	for name, value := range config {
		entries[name] = &value
	}
	_, err := c.admin.CreateTopic(ctx, int32(partitions), 1, entries, topic)
	return err
}

var franzCodecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

func (c *franzClient) produce(topic string, partition int, records []record, codec string) error {
	ctx, cancel := within()
	defer cancel()
	producer, err := kgo.NewClient(kgo.SeedBrokers(c.bootstrap), kgo.ProducerBatchCompression(franzCodecs[codec]),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(10_000_000), kgo.ProducerLinger(5*time.Millisecond))
	if err != nil {
		return err
	}
	defer producer.Close()
	var sent []*kgo.Record
	for _, r := range records {
		message := &kgo.Record{Topic: topic, Partition: int32(partition), Key: r.key, Value: r.value, Timestamp: time.UnixMilli(r.timestamp)}
		for _, header := range r.headers {
			message.Headers = append(message.Headers, kgo.RecordHeader{Key: header[0], Value: []byte(header[1])})
		}
		sent = append(sent, message)
	}
	return producer.ProduceSync(ctx, sent...).FirstErr()
}

func (c *franzClient) consume(topic string, partition int, offset int64, count int) ([]record, error) {
	ctx, cancel := within()
	defer cancel()
	start := map[string]map[int32]kgo.Offset{topic: {int32(partition): kgo.NewOffset().At(offset)}}
	consumer, err := kgo.NewClient(kgo.SeedBrokers(c.bootstrap), kgo.ConsumePartitions(start), kgo.FetchMaxPartitionBytes(12_000_000))
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	var found []record
	for len(found) < count {
		fetches := consumer.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("%d of %d records came: %w", len(found), count, err)
		}
		for _, m := range fetches.Records() {
			if m.Offset != offset+int64(len(found)) {
				return nil, fmt.Errorf("offset %d came where %d was due", m.Offset, offset+int64(len(found)))
			}
			r := record{key: m.Key, value: m.Value, timestamp: m.Timestamp.UnixMilli()}
			for _, header := range m.Headers {
				r.headers = append(r.headers, [2]string{header.Key, string(header.Value)})
			}
			found = append(found, r)
		}
	}
	return found[:count], nil
}

func (c *franzClient) produceError(topic string, value []byte) error {
	ctx, cancel := within()
	defer cancel()
	producer, err := kgo.NewClient(kgo.SeedBrokers(c.bootstrap), kgo.AllowAutoTopicCreation(), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		return err
	}
	defer producer.Close()
	return producer.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: value}).FirstErr()
}

func (c *franzClient) offsetForTime(topic string, partition int, timestamp int64) (int64, error) {
	ctx, cancel := within()
	defer cancel()
	offsets, err := c.admin.ListOffsetsAfterMilli(ctx, timestamp, topic)
	if err != nil {
		return 0, err
	}
	offset, _ := offsets.Lookup(topic, int32(partition))
	return offset.Offset, offset.Err
}

func (c *franzClient) partitions(topic string) (int, error) {
	ctx, cancel := within()
	defer cancel()
	topics, err := c.admin.ListTopics(ctx, topic)
	return len(topics[topic].Partitions), err
}

func (c *franzClient) exists(topic string) (bool, error) {
	ctx, cancel := within()
	defer cancel()
	topics, err := c.admin.ListTopics(ctx)
	return topics.Has(topic), err
}

func (c *franzClient) alter(topic, name, value string) error {
	ctx, cancel := within()
	defer cancel()
	answers, err := c.admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: name, Value: &value}}, topic)
	if err != nil {
		return err
	}
	_, err = answers.On(topic, nil)
	return err
}

func (c *franzClient) describe(topic, name string) (string, error) {
	ctx, cancel := within()
	defer cancel()
	answers, err := c.admin.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return "", err
	}
	found, err := answers.On(topic, nil)
	for _, config := range found.Configs {
		if config.Key == name {
			return config.MaybeValue(), err
		}
	}
	return "", err
}

func (c *franzClient) addPartitions(topic string, count int) error {
	ctx, cancel := within()
	defer cancel()
	answers, err := c.admin.UpdatePartitions(ctx, count, topic)
	if err != nil {
		return err
	}
	return answers.Error()
}

func (c *franzClient) remove(topic string) error {
	ctx, cancel := within()
	defer cancel()
	_, err := c.admin.DeleteTopic(ctx, topic)
	return err
}
