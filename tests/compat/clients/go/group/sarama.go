package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/IBM/sarama"
)

var saramaStrategies = map[string]func() sarama.BalanceStrategy{
	"": sarama.NewBalanceStrategyRange, "range": sarama.NewBalanceStrategyRange, "roundrobin": sarama.NewBalanceStrategyRoundRobin, "sticky": sarama.NewBalanceStrategySticky,
}

type saramaHandler struct{ *member }

func (h saramaHandler) Setup(session sarama.ConsumerGroupSession) error {
	h.change(true, session.Claims())
	return nil
}

func (h saramaHandler) Cleanup(session sarama.ConsumerGroupSession) error {
	h.change(false, session.Claims())
	return nil
}

func (h saramaHandler) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		h.record(message.Topic, message.Partition, message.Offset, message.Key, message.Value)
		session.MarkMessage(message, "")
		if len(claim.Messages()) == 0 {
			session.Commit()
		}
	}
	return nil
}

func runSarama(ctx context.Context, m *member) error {
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	config.ClientID = m.name
	config.Consumer.Return.Errors = true
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Group.InstanceId = m.options["instance"]
	config.Consumer.Group.Session.Timeout = m.sessionTimeout()
	config.Consumer.Group.Heartbeat.Interval = heartbeatInterval
	config.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{saramaStrategies[m.options["assignor"]]()}
	group, err := sarama.NewConsumerGroup([]string{m.bootstrap}, m.group, config)
	if err != nil {
		return err
	}
	go func() {
		for err := range group.Errors() {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	m.say("ready")
	for ctx.Err() == nil {
		if err := group.Consume(ctx, []string{m.topic}, saramaHandler{m}); err != nil && !errors.Is(err, context.Canceled) {
			fmt.Fprintln(os.Stderr, err)
			time.Sleep(200 * time.Millisecond)
		}
	}
	return group.Close()
}
