// Formats the log directory of an Apache Kafka broker that is its own controller, and gives it topics with the ids that they have elsewhere: the
// records go behind those that `kafka-storage format` leaves as the first ones of the metadata log (BootstrapDirectory).
//   FormatStorage CONFIG LOG_DIRECTORY       and on its input, one in a line:
//   topic NAME ID PARTITIONS LEADER_EPOCH
//   config TOPIC NAME VALUE
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.metadata.ConfigRecord;
import org.apache.kafka.common.metadata.PartitionChangeRecord;
import org.apache.kafka.common.metadata.PartitionRecord;
import org.apache.kafka.common.metadata.TopicRecord;
import org.apache.kafka.metadata.bootstrap.BootstrapDirectory;
import org.apache.kafka.metadata.bootstrap.BootstrapMetadata;
import org.apache.kafka.server.common.ApiMessageAndVersion;

public class FormatStorage {
  private static final String CLUSTER = "AAAAAAAAAAAAAAAAAAAAAQ";

  public static void main(String[] words) throws Exception {
    // With eligible leader replicas (KIP-966) a broker that nobody knew before would count as one that was killed, and lead nothing.
    String[] format = {"format", "-t", CLUSTER, "-c", words[0], "--feature", "eligible.leader.replicas.version=0"};
    int code = kafka.tools.StorageTool.execute(format, new PrintStream(System.err));
    if (code != 0) System.exit(code);
    Properties meta = new Properties();
    try (var reader = Files.newBufferedReader(Path.of(words[1], "meta.properties"))) {
      meta.load(reader);
    }
    Uuid directory = Uuid.fromString(meta.getProperty("directory.id"));
    BootstrapDirectory bootstrap = new BootstrapDirectory(words[1]);
    BootstrapMetadata formatted = bootstrap.read();
    List<ApiMessageAndVersion> records = new ArrayList<>(formatted.records());
    var input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      String[] fields = line.split(" ");
      if (fields[0].equals("config")) records.add(config(fields));
      else addTopic(fields, directory, records);
    }
    bootstrap.writeBinaryFile(BootstrapMetadata.fromRecords(records, formatted.source()));
  }

  private static ApiMessageAndVersion config(String[] fields) {
    ConfigRecord record = new ConfigRecord();
    record.setResourceType(ConfigResource.Type.TOPIC.id()).setResourceName(fields[1]).setName(fields[2]).setValue(fields[3]);
    return new ApiMessageAndVersion(record, (short) 0);
  }

  private static void addTopic(String[] fields, Uuid directory, List<ApiMessageAndVersion> records) {
    Uuid id = Uuid.fromString(fields[2]);
    records.add(new ApiMessageAndVersion(new TopicRecord().setName(fields[1]).setTopicId(id), (short) 0));
    for (int partition = 0; partition < Integer.parseInt(fields[3]); partition++) {
      PartitionRecord record = new PartitionRecord().setTopicId(id).setPartitionId(partition);
      record.setReplicas(List.of(1)).setIsr(List.of(1)).setLeader(1).setDirectories(List.of(directory));
      record.setLeaderEpoch(Integer.parseInt(fields[4])).setPartitionEpoch(0);
      records.add(new ApiMessageAndVersion(record, PartitionRecord.HIGHEST_SUPPORTED_VERSION));
      // A broker that stopped left them without a leader: one is elected when it is back.
      PartitionChangeRecord stopped = new PartitionChangeRecord().setTopicId(id).setPartitionId(partition).setLeader(-1);
      records.add(new ApiMessageAndVersion(stopped, PartitionChangeRecord.HIGHEST_SUPPORTED_VERSION));
    }
  }
}
