package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

func saramaConfig(p *place) *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	config.Producer.Idempotent = true
	config.Producer.Return.Successes = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Transaction.ID = p.transactionalID
	config.Producer.Transaction.Timeout = 20 * time.Second
	config.Producer.Transaction.Retry.Backoff = 50 * time.Millisecond
	config.Producer.Transaction.Retry.Max = 200
	config.Producer.Retry.Max = 50
	config.Metadata.Retry.Max = 50
	config.Net.MaxOpenRequests = 1
	config.Consumer.IsolationLevel = sarama.ReadCommitted
	config.Consumer.Return.Errors = true
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.MaxWaitTime = 100 * time.Millisecond
	config.Consumer.Group.Session.Timeout = p.sessionTimeout()
	config.Consumer.Group.Heartbeat.Interval = 300 * time.Millisecond
	return config
}

// saramaCopier copies the claims of all partitions with one producer, one transaction at a time.
type saramaCopier struct {
	*place
	lock     sync.Mutex
	producer sarama.SyncProducer
	fatal    error
	cancel   context.CancelFunc
}

func (*saramaCopier) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (*saramaCopier) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (c *saramaCopier) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		batch := []*sarama.ConsumerMessage{}
		select {
		case <-session.Context().Done():
			return nil
		case message, open := <-claim.Messages():
			if !open {
				return nil
			}
			batch = append(batch, message)
		}
		for len(batch) < c.number("records", 20) && len(claim.Messages()) > 0 {
			batch = append(batch, <-claim.Messages())
		}
		if err := c.copyBatch(session, batch); err != nil {
			// Without a commit the next session of the group reads the batch again.
			return err
		}
	}
}

func (c *saramaCopier) copyBatch(session sarama.ConsumerGroupSession, batch []*sarama.ConsumerMessage) error {
	c.lock.Lock()
	defer c.lock.Unlock()
	if session.Context().Err() != nil || c.fatal != nil {
		return errors.New("the session ended")
	}
	transactions++
	err := c.producer.BeginTxn()
	if err == nil {
		messages := []*sarama.ProducerMessage{}
		for index, message := range batch {
			value := sarama.StringEncoder(copied(message.Value, index, len(batch)))
			messages = append(messages, &sarama.ProducerMessage{Topic: c.output, Partition: message.Partition, Key: sarama.ByteEncoder(message.Key), Value: value})
		}
		err = c.producer.SendMessages(messages)
	}
	if err == nil {
		err = c.producer.AddMessageToTxn(batch[len(batch)-1], c.group, nil)
	}
	if err == nil {
		err = c.producer.CommitTxn()
	}
	if err == nil {
		fmt.Println("committed", len(batch))
		return nil
	}
	if c.producer.TxnStatus()&sarama.ProducerTxnFlagFatalError == 0 {
		if aborted := c.producer.AbortTxn(); aborted == nil {
			fmt.Println("aborted", err)
			return err
		}
	}
	c.fatal = err
	c.cancel()
	return err
}

func copyWithSarama(ctx context.Context, p *place) error {
	producer, err := sarama.NewSyncProducer([]string{p.bootstrap}, saramaConfig(p))
	if err != nil {
		return err
	}
	config := saramaConfig(p)
	config.Producer.Transaction.ID = ""
	group, err := sarama.NewConsumerGroup([]string{p.bootstrap}, p.group, config)
	if err != nil {
		return err
	}
	go func() {
		for err := range group.Errors() {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	copier := &saramaCopier{place: p, producer: producer, cancel: cancel}
	fmt.Println("ready")
	for ctx.Err() == nil {
		if err := group.Consume(ctx, []string{p.input}, copier); err != nil {
			fmt.Fprintln(os.Stderr, err)
			time.Sleep(100 * time.Millisecond)
		}
	}
	return errors.Join(copier.fatal, group.Close(), producer.Close())
}

type saramaProducer struct {
	sarama.SyncProducer
	place *place
}

func newSarama(p *place) (producer, error) {
	made, err := sarama.NewSyncProducer([]string{p.bootstrap}, saramaConfig(p))
	return &saramaProducer{made, p}, err
}

func (s *saramaProducer) begin() error { return s.BeginTxn() }

func (s *saramaProducer) send(what string) error {
	messages := []*sarama.ProducerMessage{}
	for i := range 10 * partitions {
		key, value := sarama.StringEncoder(fmt.Sprintf("k%d", i)), sarama.StringEncoder(fmt.Sprintf("%s %d", what, i))
		messages = append(messages, &sarama.ProducerMessage{Topic: s.place.output, Partition: int32(i % partitions), Key: key, Value: value})
	}
	err := s.SendMessages(messages)
	var failed sarama.ProducerErrors
	if errors.As(err, &failed) && len(failed) > 0 {
		return failed[0].Err
	}
	return err
}

func (s *saramaProducer) end(commit bool) error {
	if commit {
		return s.CommitTxn()
	}
	return s.AbortTxn()
}
