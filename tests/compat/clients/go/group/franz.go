package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

var franzBalancers = map[string]func() kgo.GroupBalancer{
	"range": kgo.RangeBalancer, "roundrobin": kgo.RoundRobinBalancer, "sticky": kgo.StickyBalancer, "cooperative-sticky": kgo.CooperativeStickyBalancer,
}

func franzOptions(m *member) []kgo.Opt {
	options := []kgo.Opt{
		kgo.SeedBrokers(m.bootstrap), kgo.ClientID(m.name), kgo.ConsumerGroup(m.group), kgo.ConsumeTopics(m.topic), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(200 * time.Millisecond), kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, topics map[string][]int32) { m.change(true, topics) }),
		kgo.OnPartitionsRevoked(func(ctx context.Context, client *kgo.Client, topics map[string][]int32) {
			// What was refused, in a rebalance, is committed before its partition goes.
			if err := client.CommitUncommittedOffsets(ctx); err != nil {
				m.say("refused", err)
			}
			m.change(false, topics)
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, topics map[string][]int32) { m.change(false, topics) }),
	}
	if m.options["protocol"] == "consumer" {
		options = append(options, kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer()))
	} else {
		options = append(options, kgo.SessionTimeout(m.sessionTimeout()), kgo.HeartbeatInterval(heartbeatInterval), kgo.RebalanceTimeout(10*time.Second))
		if balancer, named := franzBalancers[m.options["assignor"]]; named {
			options = append(options, kgo.Balancers(balancer()))
		}
	}
	if instance, named := m.options["instance"]; named {
		options = append(options, kgo.InstanceID(instance))
	}
	return options
}

func runFranz(ctx context.Context, m *member) error {
	client, err := kgo.NewClient(franzOptions(m)...)
	if err != nil {
		return err
	}
	m.say("ready")
	for ctx.Err() == nil {
		fetches := client.PollFetches(ctx)
		fetches.EachError(func(_ string, _ int32, err error) {
			if !errors.Is(err, context.Canceled) {
				fmt.Fprintln(os.Stderr, err)
			}
		})
		next := map[string]map[int32]int64{}
		fetches.EachRecord(func(record *kgo.Record) {
			m.record(record.Topic, record.Partition, record.Offset, record.Key, record.Value)
			if next[record.Topic] == nil {
				next[record.Topic] = map[int32]int64{}
			}
			next[record.Topic][record.Partition] = record.Offset + 1
		})
		if len(next) > 0 {
			if err := client.CommitUncommittedOffsets(context.Background()); err != nil {
				m.say("refused", err)
			} else {
				for topic, partitions := range next {
					for partition, offset := range partitions {
						m.committed(topic, partition, offset)
					}
				}
			}
		}
		client.AllowRebalance()
	}
	client.CloseAllowingRebalance()
	return nil
}
