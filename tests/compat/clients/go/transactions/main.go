// Transactions with one of two Go clients: `transactions CLIENT MODE BOOTSTRAP TRANSACTIONALID INPUT OUTPUT GROUP [NAME=VALUE...]`.
// See tests/compat/transaction-member.ts for the modes and for what is printed.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const partitions = 3

// place is what the program was started with.
type place struct {
	bootstrap, transactionalID, input, output, group string
	options                                          map[string]string
}

func (p *place) number(option string, otherwise int) int {
	if number, err := strconv.Atoi(p.options[option]); err == nil {
		return number
	}
	return otherwise
}

func (p *place) sessionTimeout() time.Duration {
	return time.Duration(p.number("session", 2000)) * time.Millisecond
}

var started = strconv.FormatInt(time.Now().UnixNano(), 36)
var transactions = 0

// copied is the value of record number index of a transaction of size records.
func copied(value []byte, index, size int) string {
	return fmt.Sprintf("%s %d.%s.%d %d %d", value, os.Getpid(), started, transactions, index, size)
}

// producer does the modes abort and fence.
type producer interface {
	begin() error
	// send writes thirty records, ten for each partition, and waits for them.
	send(what string) error
	end(commit bool) error
}

func abort(p producer) error {
	for round := range 3 {
		for _, commit := range []bool{false, true} {
			what := map[bool]string{false: "gone", true: "stays"}[commit]
			if err := p.begin(); err != nil {
				return err
			}
			if err := p.send(fmt.Sprint(what, round)); err != nil {
				return err
			}
			if err := p.end(commit); err != nil {
				return err
			}
			if commit {
				fmt.Println("committed", 30)
			} else {
				fmt.Println("aborted")
			}
		}
	}
	return nil
}

func first(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func fence(elder producer, another func() (producer, error)) error {
	if err := first(elder.begin, func() error { return elder.send("elder") }); err != nil {
		return err
	}
	younger, err := another()
	if err != nil {
		return err
	}
	if err := first(younger.begin, func() error { return younger.send("younger") }); err != nil {
		return err
	}
	err = first(func() error { return elder.send("fenced") }, func() error { return elder.end(true) })
	if err != nil {
		fmt.Println("fenced", strings.ReplaceAll(err.Error(), "\n", " "))
	}
	if err := younger.end(true); err != nil {
		return err
	}
	fmt.Println("committed", 30)
	return nil
}

func main() {
	client, mode := os.Args[1], os.Args[2]
	p := &place{os.Args[3], os.Args[4], os.Args[5], os.Args[6], os.Args[7], map[string]string{}}
	for _, word := range os.Args[8:] {
		name, value, _ := strings.Cut(word, "=")
		p.options[name] = value
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	copiers := map[string]func(context.Context, *place) error{"sarama": copyWithSarama, "franz-go": copyWithFranz}
	producers := map[string]func(*place) (producer, error){"sarama": newSarama, "franz-go": newFranz}
	another := func() (producer, error) { return producers[client](p) }
	var err error
	if mode == "copy" {
		err = copiers[client](ctx, p)
	} else if made, failed := another(); failed != nil {
		err = failed
	} else if mode == "abort" {
		err = abort(made)
	} else {
		err = fence(made, another)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("left")
}
