import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.ApplicationRecoverableException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Transactions with Java's producer: Transactions MODE BOOTSTRAP TRANSACTIONALID INPUT OUTPUT GROUP [NAME=VALUE...]; see tests/compat/transaction-member.ts. */
public class Transactions {
    static final int PARTITIONS = 3;
    static volatile boolean stopping;
    static String bootstrap, transactionalId, input, output, group;
    static final Map<String, String> options = new HashMap<>();

    static synchronized void say(String line) {
        System.out.println(line);
    }

    static KafkaProducer<String, String> producer() {
        Properties properties = new Properties();
        properties.putAll(Map.of("bootstrap.servers", bootstrap, "transactional.id", transactionalId, "linger.ms", "2", "transaction.timeout.ms", "20000",
            "retry.backoff.ms", "50", "reconnect.backoff.max.ms", "500"));
        return new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer());
    }

    static KafkaConsumer<String, String> consumer() {
        Properties properties = new Properties();
        properties.putAll(Map.of("bootstrap.servers", bootstrap, "group.id", group, "isolation.level", "read_committed", "enable.auto.commit", "false",
            "auto.offset.reset", "earliest", "max.poll.records", options.getOrDefault("records", "20"), "reconnect.backoff.max.ms", "500"));
        if ("consumer".equals(options.get("protocol"))) properties.put("group.protocol", "consumer");
        else properties.putAll(Map.of("session.timeout.ms", options.getOrDefault("session", "2000"), "heartbeat.interval.ms", "300"));
        return new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer());
    }

    /** Back to what is committed. */
    static void rewind(KafkaConsumer<String, String> consumer) {
        Map<TopicPartition, OffsetAndMetadata> committed = consumer.committed(consumer.assignment());
        for (TopicPartition partition : consumer.assignment()) {
            OffsetAndMetadata offset = committed.get(partition);
            if (offset == null) consumer.seekToBeginning(List.of(partition));
            else consumer.seek(partition, offset);
        }
    }

    static void commit(KafkaProducer<String, String> producer) {
        while (true) {
            try {
                producer.commitTransaction();
                return;
            } catch (TimeoutException retried) {
                say("again TimeoutException");
            }
        }
    }

    static void copy() {
        String tag = Long.toString(ProcessHandle.current().pid(), 36) + "." + Long.toString(System.nanoTime(), 36);
        int transactions = 0;
        KafkaProducer<String, String> producer = producer();
        producer.initTransactions();
        KafkaConsumer<String, String> consumer = consumer();
        consumer.subscribe(List.of(input));
        say("ready");
        while (!stopping) {
            ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(100));
            if (records.isEmpty()) continue;
            Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
            int index = 0;
            transactions++;
            producer.beginTransaction();
            try {
                for (ConsumerRecord<String, String> record : records) {
                    String value = record.value() + " " + tag + "." + transactions + " " + index++ + " " + records.count();
                    producer.send(new ProducerRecord<>(output, record.partition(), record.key(), value));
                    offsets.put(new TopicPartition(record.topic(), record.partition()), new OffsetAndMetadata(record.offset() + 1));
                }
                producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
                commit(producer);
                say("committed " + records.count());
            } catch (ApplicationRecoverableException fatal) {
                throw fatal;
            } catch (KafkaException error) {
                producer.abortTransaction();
                rewind(consumer);
                say("aborted " + error.getClass().getSimpleName());
            }
        }
        consumer.close();
        producer.close();
        say("left");
    }

    static void send(KafkaProducer<String, String> producer, String what) throws Exception {
        List<Future<?>> sent = new ArrayList<>();
        for (int i = 0; i < 10 * PARTITIONS; i++) sent.add(producer.send(new ProducerRecord<>(output, i % PARTITIONS, "k" + i, what + " " + i)));
        for (Future<?> each : sent) each.get();
    }

    static void abort() throws Exception {
        KafkaProducer<String, String> producer = producer();
        producer.initTransactions();
        for (int round = 0; round < 3; round++) {
            producer.beginTransaction();
            send(producer, "gone" + round);
            producer.abortTransaction();
            say("aborted");
            producer.beginTransaction();
            send(producer, "stays" + round);
            producer.commitTransaction();
            say("committed 30");
        }
        producer.close();
        say("left");
    }

    static void fence() throws Exception {
        KafkaProducer<String, String> elder = producer();
        elder.initTransactions();
        elder.beginTransaction();
        send(elder, "elder");
        KafkaProducer<String, String> younger = producer();
        younger.initTransactions();
        younger.beginTransaction();
        send(younger, "younger");
        try {
            send(elder, "fenced");
            elder.commitTransaction();
        } catch (Exception error) {
            Throwable cause = error instanceof java.util.concurrent.ExecutionException ? error.getCause() : error;
            say("fenced " + cause.getClass().getSimpleName());
        }
        younger.commitTransaction();
        say("committed 30");
        say("left");
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }

    public static void main(String[] words) throws Exception {
        bootstrap = words[1];
        transactionalId = words[2];
        input = words[3];
        output = words[4];
        group = words[5];
        for (int i = 6; i < words.length; i++) options.put(words[i].split("=", 2)[0], words[i].split("=", 2)[1]);
        Thread main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            stopping = true;
            try {
                main.join();
            } catch (InterruptedException interrupted) {
                return;
            }
            System.out.flush();
            Runtime.getRuntime().halt(0);
        }));
        try {
            switch (words[0]) {
                case "copy" -> copy();
                case "abort" -> abort();
                default -> fence();
            }
        } catch (Throwable error) {
            error.printStackTrace();
            System.out.flush();
            Runtime.getRuntime().halt(1);
        }
    }
}
