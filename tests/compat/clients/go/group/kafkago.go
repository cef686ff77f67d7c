package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/segmentio/kafka-go"
)

var kafkaGoBalancers = map[string]kafka.GroupBalancer{"": kafka.RangeGroupBalancer{}, "range": kafka.RangeGroupBalancer{}, "roundrobin": kafka.RoundRobinGroupBalancer{}}

// runKafkaGo uses the library's ConsumerGroup, which its Reader stands on, since only that tells what was assigned.
func runKafkaGo(ctx context.Context, m *member) error {
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{ID: m.group, Brokers: []string{m.bootstrap}, Topics: []string{m.topic},
		Dialer: &kafka.Dialer{ClientID: m.name, Timeout: 10 * time.Second}, GroupBalancers: []kafka.GroupBalancer{kafkaGoBalancers[m.options["assignor"]]},
		HeartbeatInterval: heartbeatInterval, SessionTimeout: m.sessionTimeout(), RebalanceTimeout: 10 * time.Second, StartOffset: kafka.FirstOffset,
		JoinGroupBackoff: 500 * time.Millisecond})
	if err != nil {
		return err
	}
	m.say("ready")
	for {
		generation, err := group.Next(ctx)
		if ctx.Err() != nil {
			return group.Close()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			continue
		}
		claims := map[string][]int32{}
		for topic, partitions := range generation.Assignments {
			for _, partition := range partitions {
				claims[topic] = append(claims[topic], int32(partition.ID))
				generation.Start(func(ending context.Context) { m.readPartition(ending, generation, topic, partition) })
			}
		}
		m.change(true, claims)
		generation.Start(func(ending context.Context) {
			<-ending.Done()
			m.change(false, claims)
		})
	}
}

func (m *member) readPartition(ending context.Context, generation *kafka.Generation, topic string, from kafka.PartitionAssignment) {
	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{m.bootstrap}, Topic: topic, Partition: from.ID, MaxWait: 200 * time.Millisecond,
		ReadBackoffMin: 10 * time.Millisecond, ReadBackoffMax: 100 * time.Millisecond})
	defer reader.Close()
	if err := reader.SetOffset(from.Offset); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	for {
		message, err := reader.ReadMessage(ending)
		if errors.Is(err, kafka.ErrGenerationEnded) || ending.Err() != nil {
			return
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			continue
		}
		m.record(topic, int32(from.ID), message.Offset, message.Key, message.Value)
		if err := generation.CommitOffsets(map[string]map[int]int64{topic: {from.ID: message.Offset + 1}}); err != nil {
			m.say("refused", err)
			continue
		}
		m.committed(topic, int32(from.ID), message.Offset+1)
	}
}
