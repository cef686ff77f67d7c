package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func franzOptions(p *place) []kgo.Opt {
	return []kgo.Opt{kgo.SeedBrokers(p.bootstrap), kgo.TransactionalID(p.transactionalID), kgo.TransactionTimeout(20 * time.Second),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic(p.output)}
}

func copyWithFranz(ctx context.Context, p *place) error {
	options := append(franzOptions(p), kgo.ConsumerGroup(p.group), kgo.ConsumeTopics(p.input), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.RequireStableFetchOffsets(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.SessionTimeout(p.sessionTimeout()),
		kgo.HeartbeatInterval(300*time.Millisecond), kgo.FetchMaxWait(200*time.Millisecond))
	session, err := kgo.NewGroupTransactSession(options...)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	for ctx.Err() == nil {
		records := session.PollRecords(ctx, p.number("records", 20)).Records()
		if len(records) == 0 {
			continue
		}
		transactions++
		if err := session.Begin(); err != nil {
			return err
		}
		produced := kgo.AbortingFirstErrPromise(session.Client())
		for index, record := range records {
			value := copied(record.Value, index, len(records))
			session.Produce(context.Background(), &kgo.Record{Key: record.Key, Value: []byte(value), Partition: record.Partition}, produced.Promise())
		}
		failed := produced.Err()
		committed, err := session.End(context.Background(), failed == nil)
		if err != nil {
			return err
		}
		if committed {
			fmt.Println("committed", len(records))
		} else {
			fmt.Println("aborted", failed)
		}
	}
	session.Close()
	return nil
}

type franzProducer struct {
	client *kgo.Client
	place  *place
}

func newFranz(p *place) (producer, error) {
	client, err := kgo.NewClient(franzOptions(p)...)
	if err != nil {
		return nil, err
	}
	// The client asks for its producer id when it is needed first; the younger of two has to have it at once.
	_, _, err = client.ProducerID(context.Background())
	return &franzProducer{client, p}, err
}

func (f *franzProducer) begin() error { return f.client.BeginTransaction() }

func (f *franzProducer) send(what string) error {
	records := []*kgo.Record{}
	for i := range 10 * partitions {
		records = append(records, &kgo.Record{Key: fmt.Appendf(nil, "k%d", i), Value: fmt.Appendf(nil, "%s %d", what, i), Partition: int32(i % partitions)})
	}
	return f.client.ProduceSync(context.Background(), records...).FirstErr()
}

func (f *franzProducer) end(commit bool) error {
	return errors.Join(f.client.Flush(context.Background()), f.client.EndTransaction(context.Background(), kgo.TransactionEndTry(commit)))
}
