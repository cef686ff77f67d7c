package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

type saramaClient struct {
	bootstrap []string
	client    sarama.Client
	admin     sarama.ClusterAdmin
}

func saramaConfig() *sarama.Config {
	config := sarama.NewConfig()
	config.Producer.Return.Successes = true
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.MaxMessageBytes = 10_000_000
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Retry.Max = 1
	config.Consumer.Fetch.Default = 12_000_000
	config.Version = sarama.V2_8_0_0
	return config
}

func newSarama(bootstrap string) (client, error) {
	c := &saramaClient{bootstrap: []string{bootstrap}}
	var err error
	if c.client, err = sarama.NewClient(c.bootstrap, saramaConfig()); err != nil {
		return nil, err
	}
	c.admin, err = sarama.NewClusterAdmin(c.bootstrap, saramaConfig())
	return c, err
}

func (c *saramaClient) create(topic string, partitions int, config map[string]string) error {
	entries := map[string]*string{}
	for name, value := range config {
		entries[name] = &value
	}
	return c.admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: int32(partitions), ReplicationFactor: 1, ConfigEntries: entries}, false)
}

func (c *saramaClient) produce(topic string, partition int, records []record, codec string) error {
	config := saramaConfig()
	if err := config.Producer.Compression.UnmarshalText([]byte(codec)); err != nil {
		return err
	}
	producer, err := sarama.NewSyncProducer(c.bootstrap, config)
	if err != nil {
		return err
	}
	defer producer.Close()
	for start := 0; start < len(records); start += 1000 {
		var messages []*sarama.ProducerMessage
		for _, r := range records[start:min(start+1000, len(records))] {
			message := &sarama.ProducerMessage{Topic: topic, Partition: int32(partition), Timestamp: time.UnixMilli(r.timestamp)}
			if r.key != nil {
				message.Key = sarama.ByteEncoder(r.key)
			}
			if r.value != nil {
				message.Value = sarama.ByteEncoder(r.value)
			}
			for _, header := range r.headers {
				message.Headers = append(message.Headers, sarama.RecordHeader{Key: []byte(header[0]), Value: []byte(header[1])})
			}
			messages = append(messages, message)
		}
		if err := producer.SendMessages(messages); err != nil {
			var failures sarama.ProducerErrors
			if errors.As(err, &failures) {
				return failures[0].Err
			}
			return err
		}
	}
	return nil
}

func (c *saramaClient) consume(topic string, partition int, offset int64, count int) ([]record, error) {
	consumer, err := sarama.NewConsumer(c.bootstrap, saramaConfig())
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	reader, err := consumer.ConsumePartition(topic, int32(partition), offset)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	var found []record
	for len(found) < count {
		select {
		case m := <-reader.Messages():
			if m.Offset != offset+int64(len(found)) {
				return nil, fmt.Errorf("offset %d came where %d was due", m.Offset, offset+int64(len(found)))
			}
			r := record{key: m.Key, value: m.Value, timestamp: m.Timestamp.UnixMilli()}
			for _, header := range m.Headers {
				r.headers = append(r.headers, [2]string{string(header.Key), string(header.Value)})
			}
			found = append(found, r)
		case err := <-reader.Errors():
			return nil, err
		case <-time.After(20 * time.Second):
			return found, fmt.Errorf("%d of %d records came", len(found), count)
		}
	}
	return found, nil
}

func (c *saramaClient) produceError(topic string, value []byte) error {
	producer, err := sarama.NewSyncProducer(c.bootstrap, saramaConfig())
	if err != nil {
		return err
	}
	defer producer.Close()
	_, _, err = producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.ByteEncoder(value)})
	return err
}

func (c *saramaClient) offsetForTime(topic string, partition int, timestamp int64) (int64, error) {
	return c.client.GetOffset(topic, int32(partition), timestamp)
}

func (c *saramaClient) partitions(topic string) (int, error) {
	if err := c.client.RefreshMetadata(topic); err != nil {
		return 0, err
	}
	found, err := c.client.Partitions(topic)
	return len(found), err
}

func (c *saramaClient) exists(topic string) (bool, error) {
	topics, err := c.admin.ListTopics()
	_, exists := topics[topic]
	return exists, err
}

func (c *saramaClient) alter(topic, name, value string) error {
	entries := map[string]sarama.IncrementalAlterConfigsEntry{name: {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value}}
	return c.admin.IncrementalAlterConfig(sarama.TopicResource, topic, entries, false)
}

func (c *saramaClient) describe(topic, name string) (string, error) {
	entries, err := c.admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{name}})
	if err != nil || len(entries) == 0 {
		return "", err
	}
	return entries[0].Value, nil
}

func (c *saramaClient) addPartitions(topic string, count int) error {
	return c.admin.CreatePartitions(topic, int32(count), nil, false)
}

func (c *saramaClient) remove(topic string) error { return c.admin.DeleteTopic(topic) }
