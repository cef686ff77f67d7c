// A member of a group with one of three Go clients: `group CLIENT BOOTSTRAP GROUP TOPIC MEMBER [NAME=VALUE...]`. It prints one line for
// each event; see tests/compat/group-member.ts for the lines. What was handled is committed before more is fetched.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const heartbeatInterval = 300 * time.Millisecond

// member is where a program goes, and what it owns.
type member struct {
	bootstrap, group, topic, name string
	options                       map[string]string
	lock                          sync.Mutex
	owned                         map[string]bool
}

func (m *member) sessionTimeout() time.Duration {
	if ms, err := strconv.Atoi(m.options["session"]); err == nil {
		return time.Duration(ms) * time.Millisecond
	}
	return 3 * time.Second
}

func (m *member) say(words ...any) {
	m.lock.Lock()
	defer m.lock.Unlock()
	fmt.Println(words...)
}

// change adds or removes partitions and prints everything that is owned now.
func (m *member) change(owned bool, topics map[string][]int32) {
	m.lock.Lock()
	defer m.lock.Unlock()
	for topic, partitions := range topics {
		for _, partition := range partitions {
			if name := fmt.Sprintf("%s-%d", topic, partition); owned {
				m.owned[name] = true
			} else {
				delete(m.owned, name)
			}
		}
	}
	names := []string{}
	for name := range m.owned {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) == 0 {
		names = append(names, "-")
	}
	fmt.Println("assigned", strings.Join(names, " "))
}

func (m *member) record(topic string, partition int32, offset int64, key, value []byte) {
	m.say("record", fmt.Sprintf("%s-%d", topic, partition), offset, string(key), string(value))
}

func (m *member) committed(topic string, partition int32, offset int64) {
	m.say("committed", fmt.Sprintf("%s-%d", topic, partition), offset)
}

func main() {
	m := &member{bootstrap: os.Args[2], group: os.Args[3], topic: os.Args[4], name: os.Args[5], options: map[string]string{}, owned: map[string]bool{}}
	for _, word := range os.Args[6:] {
		name, value, _ := strings.Cut(word, "=")
		m.options[name] = value
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	clients := map[string]func(context.Context, *member) error{"sarama": runSarama, "kafka-go": runKafkaGo, "franz-go": runFranz}
	if err := clients[os.Args[1]](ctx, m); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	m.say("left")
}
