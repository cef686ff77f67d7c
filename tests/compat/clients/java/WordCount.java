import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.Stores;

/**
 * Kafka Streams counts words exactly once: WordCount copy BOOTSTRAP TRANSACTIONALID INPUT OUTPUT APPLICATION. Words of the input's values are
 * grouped by themselves, through a topic of its own, and counted in a store in memory that a changelog topic restores.
 */
public class WordCount {
    static synchronized void say(String line) {
        System.out.println(line);
    }

    public static void main(String[] words) {
        Properties properties = new Properties();
        properties.putAll(Map.of("bootstrap.servers", words[1], "application.id", words[5], "processing.guarantee", "exactly_once_v2",
            "commit.interval.ms", "100", "num.stream.threads", "1", "state.dir", System.getProperty("java.io.tmpdir"), "statestore.cache.max.bytes", "0",
            "consumer.session.timeout.ms", "2000", "consumer.heartbeat.interval.ms", "300", "consumer.auto.offset.reset", "earliest"));
        properties.putAll(Map.of("replication.factor", "1", "producer.transaction.timeout.ms", "5000", "topology.optimization", "none"));
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(words[3], Consumed.with(Serdes.String(), Serdes.String()))
            .flatMapValues(value -> Arrays.asList(value.split(" ")))
            .groupBy((key, word) -> word, Grouped.with("words", Serdes.String(), Serdes.String()))
            .count(Materialized.<String, Long>as(Stores.inMemoryKeyValueStore("counts")).withKeySerde(Serdes.String()).withValueSerde(Serdes.Long()))
            .toStream()
            .mapValues(count -> Long.toString(count))
            .to(words[4], Produced.with(Serdes.String(), Serdes.String()));
        KafkaStreams streams = new KafkaStreams(builder.build(), properties);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            say("replaced " + error.getClass().getSimpleName());
            return StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.REPLACE_THREAD;
        });
        streams.setStateListener((now, before) -> {
            if (now == KafkaStreams.State.RUNNING) say("ready");
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            boolean closed = streams.close(Duration.ofSeconds(20));
            say(closed ? "left" : "stuck");
            System.out.flush();
            Runtime.getRuntime().halt(closed ? 0 : 1);
        }));
        streams.start();
    }
}
