import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Java's producer, assign() consumer and Admin against a broker: Scenario BOOTSTRAP PREFIX. A check prints "ok NAME" or "fail NAME: why". */
public class Scenario {
    static final long FIRST_TIMESTAMP = 1_700_000_000_000L;
    static final int MANY = 100_000;
    final String bootstrap;
    final String prefix;
    final Admin admin;
    boolean failed;

    interface Body { void run() throws Exception; }

    Scenario(String bootstrap, String prefix) {
        this.bootstrap = bootstrap;
        this.prefix = prefix;
        this.admin = Admin.create(Map.of("bootstrap.servers", bootstrap));
    }

    void check(String name, Body body) {
        try {
            body.run();
            System.out.println("ok " + name);
        } catch (Throwable error) {
            failed = true;
            error.printStackTrace();
            System.out.println("fail " + name + ": " + error);
        }
    }

    /** Record i of a partition; some keys and values are null. */
    static ProducerRecord<byte[], byte[]> nth(String topic, int partition, int i) {
        byte[] key = i % 7 == 0 ? null : ("key-" + i).getBytes();
        byte[] value = i % 14 == 3 ? null : ("value-" + i + "-" + "x".repeat(i % 97)).getBytes();
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, partition, FIRST_TIMESTAMP + i, key, value);
        record.headers().add("index", Integer.toString(i).getBytes()).add("none", null);
        return record;
    }

    static List<ProducerRecord<byte[], byte[]>> upTo(String topic, int partition, int count) {
        List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
        for (int i = 0; i < count; i++) records.add(nth(topic, partition, i));
        return records;
    }

    void create(String topic, int partitions, Map<String, String> config) throws Exception {
        admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1).configs(config))).all().get();
    }

    KafkaProducer<byte[], byte[]> producer(Map<String, String> more) {
        Properties properties = new Properties();
        properties.putAll(Map.of("bootstrap.servers", bootstrap, "linger.ms", "5", "max.request.size", "10000000", "max.block.ms", "15000"));
        properties.putAll(more);
        return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
    }

    KafkaConsumer<byte[], byte[]> consumer() {
        return new KafkaConsumer<>(Map.of("bootstrap.servers", bootstrap, "auto.offset.reset", "none", "max.partition.fetch.bytes", "12000000"),
            new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    void produce(List<ProducerRecord<byte[], byte[]>> records, Map<String, String> more) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = producer(more)) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (ProducerRecord<byte[], byte[]> record : records) sent.add(producer.send(record));
            long due = 0;
            for (Future<RecordMetadata> future : sent) {
                long offset = future.get().offset();
                if (offset != due++) throw new AssertionError("offset " + offset + " was acknowledged where " + (due - 1) + " was due");
            }
        }
    }

    void verify(List<ProducerRecord<byte[], byte[]>> expected, long offset) {
        TopicPartition where = new TopicPartition(expected.get(0).topic(), expected.get(0).partition());
        try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
            consumer.assign(List.of(where));
            consumer.seek(where, offset);
            int seen = 0;
            long deadline = System.nanoTime() + 60_000_000_000L;
            while (seen < expected.size()) {
                if (System.nanoTime() > deadline) throw new AssertionError(seen + " of " + expected.size() + " records came");
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
                    if (seen == expected.size()) break;
                    ProducerRecord<byte[], byte[]> wanted = expected.get(seen);
                    boolean equal = record.offset() == offset + seen && Arrays.equals(wanted.key(), record.key()) && Arrays.equals(wanted.value(), record.value())
                        && wanted.timestamp() == record.timestamp() && wanted.headers().equals(record.headers());
                    if (!equal) throw new AssertionError("record " + seen + ": " + wanted + " was written, " + record + " was read");
                    seen++;
                }
            }
        }
    }

    void sizes() throws Exception {
        String topic = prefix + "-sizes";
        create(topic, 1, Map.of("max.message.bytes", "10000000"));
        List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
        int letter = 'A';
        for (int size : new int[] {1, 1000, 100_000, 1_000_000, 8_000_000}) {
            byte[] value = new byte[size];
            Arrays.fill(value, (byte) letter++);
            records.add(new ProducerRecord<>(topic, 0, FIRST_TIMESTAMP, "k".getBytes(), value));
        }
        produce(records, Map.of());
        verify(records, 0);
    }

    void refused(String topic, int size, String error) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = producer(Map.of("enable.idempotence", "false"))) {
            producer.send(new ProducerRecord<>(topic, new byte[size])).get();
        } catch (ExecutionException | RuntimeException found) {
            String text = found + " " + found.getCause();
            if (text.contains(error)) return;
            throw found;
        }
        throw new AssertionError("no error came");
    }

    void byTime() {
        TopicPartition where = new TopicPartition(prefix + "-many", 0);
        try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
            long offset = consumer.offsetsForTimes(Map.of(where, FIRST_TIMESTAMP + 77_777)).get(where).offset();
            if (offset != 77_777) throw new AssertionError("offset " + offset);
            if (consumer.endOffsets(List.of(where)).get(where) != MANY) throw new AssertionError("end offset");
        }
    }

    void alter() throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, prefix + "-many");
        AlterConfigOp set = new AlterConfigOp(new ConfigEntry("retention.ms", "86400001"), AlterConfigOp.OpType.SET);
        AlterConfigOp append = new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"), AlterConfigOp.OpType.APPEND);
        admin.incrementalAlterConfigs(Map.of(resource, List.of(set, append))).all().get();
        AlterConfigOp subtract = new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"), AlterConfigOp.OpType.SUBTRACT);
        admin.incrementalAlterConfigs(Map.of(resource, List.of(subtract))).all().get();
        var found = admin.describeConfigs(List.of(resource)).all().get().get(resource);
        String text = found.get("retention.ms").value() + " " + found.get("cleanup.policy").value();
        if (!text.equals("86400001 delete")) throw new AssertionError(text);
    }

    int partitions(String topic) throws Exception {
        return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size();
    }

    void expect(Object found, Object expected) {
        if (!found.equals(expected)) throw new AssertionError(expected + " was expected, " + found + " came");
    }

    void run() {
        for (String codec : new String[] {"none", "gzip", "snappy", "lz4", "zstd"}) {
            String topic = prefix + "-codec-" + codec;
            check("codec-" + codec, () -> {
                create(topic, 3, Map.of());
                List<ProducerRecord<byte[], byte[]>> records = upTo(topic, 1, 300);
                produce(records, Map.of("compression.type", codec));
                verify(records, 0);
            });
        }
        check("sizes", this::sizes);
        List<ProducerRecord<byte[], byte[]>> many = upTo(prefix + "-many", 0, MANY);
        check("many", () -> {
            create(prefix + "-many", 1, Map.of());
            produce(many, Map.of("acks", "all", "compression.type", "lz4"));
            verify(many, 0);
        });
        check("from-offset", () -> verify(many.subList(50_000, 50_100), 50_000));
        check("by-time", this::byTime);
        check("metadata", () -> expect(partitions(prefix + "-codec-none"), 3));
        check("invalid-topic", () -> refused("bad topic/name", 1, "InvalidTopicException"));
        check("oversized", () -> {
            create(prefix + "-small", 1, Map.of("max.message.bytes", "2000"));
            refused(prefix + "-small", 5000, "RecordTooLargeException");
        });
        check("admin-alter", this::alter);
        check("admin-partitions", () -> {
            admin.createPartitions(Map.of(prefix + "-many", NewPartitions.increaseTo(4))).all().get();
            expect(partitions(prefix + "-many"), 4);
        });
        check("admin-delete-records", () -> {
            TopicPartition where = new TopicPartition(prefix + "-many", 0);
            expect(admin.deleteRecords(Map.of(where, RecordsToDelete.beforeOffset(10))).lowWatermarks().get(where).get().lowWatermark(), 10L);
        });
        check("admin-delete", () -> {
            admin.deleteTopics(List.of(prefix + "-small")).all().get();
            expect(admin.listTopics().names().get().contains(prefix + "-small"), false);
        });
        admin.close();
        System.exit(failed ? 1 : 0);
    }

    public static void main(String[] words) {
        new Scenario(words[0], words[1]).run();
    }
}
