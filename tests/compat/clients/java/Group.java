import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * A member of a group with Java's consumer: Group BOOTSTRAP GROUP TOPIC MEMBER [assignor=NAME] [protocol=consumer] [remote-assignor=NAME] [instance=ID] [pattern=1].
 * It commits after each batch, before the next poll; what was refused, in a rebalance, with the next batch or before its partition goes.
 * With pattern=1 TOPIC is a regular expression that the broker evaluates.
 */
public class Group implements ConsumerRebalanceListener {
    static final Map<String, String> ASSIGNORS = Map.of("range", "RangeAssignor", "roundrobin", "RoundRobinAssignor", "sticky", "StickyAssignor",
        "cooperative-sticky", "CooperativeStickyAssignor");
    final TreeSet<String> owned = new TreeSet<>();
    /** Partition to the offset after the last record handled, as far as it is not committed. */
    final Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
    final KafkaConsumer<String, String> consumer;
    volatile boolean stopping;

    Group(KafkaConsumer<String, String> consumer) {
        this.consumer = consumer;
    }

    static synchronized void say(String line) {
        System.out.println(line);
    }

    void tell() {
        say("assigned " + (owned.isEmpty() ? "-" : String.join(" ", owned)));
    }

    @Override public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        for (TopicPartition partition : partitions) owned.add(partition.toString());
        tell();
    }

    @Override public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        commit();
        onPartitionsLost(partitions);
    }

    @Override public void onPartitionsLost(Collection<TopicPartition> partitions) {
        offsets.keySet().removeAll(partitions);
        for (TopicPartition partition : partitions) owned.remove(partition.toString());
        tell();
    }

    static Properties properties(String bootstrap, String group, String member, Map<String, String> options) {
        Properties properties = new Properties();
        properties.putAll(Map.of("bootstrap.servers", bootstrap, "group.id", group, "client.id", member, "auto.offset.reset", "earliest",
            "enable.auto.commit", "false", "fetch.max.wait.ms", "200", "max.poll.interval.ms", "10000"));
        if ("consumer".equals(options.get("protocol"))) {
            properties.put("group.protocol", "consumer");
            if (options.containsKey("remote-assignor")) properties.put("group.remote.assignor", options.get("remote-assignor"));
        } else {
            properties.put("session.timeout.ms", options.getOrDefault("session", "3000"));
            properties.put("heartbeat.interval.ms", "300");
            String assignor = ASSIGNORS.get(options.getOrDefault("assignor", "range"));
            properties.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer." + assignor);
        }
        if (options.containsKey("instance")) properties.put("group.instance.id", options.get("instance"));
        return properties;
    }

    void commit() {
        if (offsets.isEmpty()) return;
        try {
            consumer.commitSync(offsets);
            offsets.forEach((partition, offset) -> say("committed " + partition + " " + offset.offset()));
            offsets.clear();
        } catch (CommitFailedException | RebalanceInProgressException error) {
            say("refused " + error.getClass().getSimpleName());
        }
    }

    void read() {
        while (!stopping) {
            for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
                TopicPartition partition = new TopicPartition(record.topic(), record.partition());
                say("record " + partition + " " + record.offset() + " " + record.key() + " " + record.value());
                offsets.put(partition, new OffsetAndMetadata(record.offset() + 1));
            }
            commit();
        }
    }

    public static void main(String[] words) throws Exception {
        Map<String, String> options = new HashMap<>();
        for (int i = 4; i < words.length; i++) options.put(words[i].split("=", 2)[0], words[i].split("=", 2)[1]);
        KafkaConsumer<String, String> consumer =
            new KafkaConsumer<>(properties(words[0], words[1], words[3], options), new StringDeserializer(), new StringDeserializer());
        Group group = new Group(consumer);
        if (options.containsKey("pattern")) consumer.subscribe(new SubscriptionPattern(words[2]), group);
        else consumer.subscribe(List.of(words[2]), group);
        Thread main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            group.stopping = true;
            try {
                main.join();
            } catch (InterruptedException interrupted) {
                return;
            }
            System.out.flush();
            Runtime.getRuntime().halt(group.stopping ? 0 : 1);
        }));
        say("ready");
        group.read();
        consumer.close();
        say("left");
    }
}
