// The spec files of KafkaJS 2.2.4: those about what programs can see, and those about its insides, with the reason why these say nothing here.

/** Spec files that are run, by the beginning of their path. */
export const applicable: readonly string[] = [
  'src/admin/index.spec.js',
  'src/admin/__tests__/',
  'src/consumer/__tests__/',
  'src/consumer/assigners/roundRobinAssigner/index.spec.js',
  'src/loggers/',
  'src/producer/index.spec.js',
  'src/producer/compression.spec.js',
  'src/producer/__tests__/',
  'src/producer/partitioners/default/murmur2.spec.js',
  'src/producer/partitioners/legacy/index.spec.js',
  'src/producer/partitioners/legacy/murmur2.spec.js',
]

/** Spec files of which every test needs TLS, SASL and an authorizer: they are run against Apache Kafka only. */
export const secured: readonly string[] = [
  'src/admin/__tests__/createAcls.spec.js',
  'src/admin/__tests__/deleteAcls.spec.js',
  'src/admin/__tests__/describeAcls.spec.js',
]

/** What is not run, by the beginning of its path, and why. */
export const internal: readonly (readonly [path: string, reason: string])[] = [
  ['src/index.spec.js', 'replaces all modules of KafkaJS by mocks and looks at what they are called with'],
  ['src/broker/', "KafkaJS's class for one connection, which programs do not get at"],
  ['src/cluster/', "KafkaJS's class for a cluster, which programs do not get at"],
  ['src/network/', 'sockets and request queues'],
  ['src/protocol/', 'encoders and decoders of messages; ours are held against golden bytes of Kafka itself'],
  ['src/utils/', 'helper functions'],
  ['src/consumer/__tests__/batch.spec.js', "makes KafkaJS's Batch of raw batches"],
  ['src/consumer/__tests__/consumerGroup.spec.js', "KafkaJS's class for the membership of a group"],
  ['src/consumer/__tests__/filterAbortedMessages.spec.js', 'a function of the fetcher'],
  ['src/consumer/__tests__/runner.spec.js', "KafkaJS's class that runs handlers, between mocks"],
  ['src/consumer/fetchManager.spec.js', 'a class of the fetcher'],
  ['src/consumer/fetcher.spec.js', 'a class of the fetcher'],
  ['src/consumer/offsetManager/', "KafkaJS's class for offsets, between mocks"],
  ['src/consumer/subscriptionState.spec.js', "KafkaJS's class for what is paused"],
  ['src/consumer/worker', 'classes that run handlers'],
  ['src/producer/createTopicData.spec.js', 'a function that prepares requests'],
  ['src/producer/eosManager/', "KafkaJS's class for idempotence and transactions, between mocks"],
  ['src/producer/groupMessagesPerPartition.spec.js', 'a function that prepares requests'],
  ['src/producer/sendMessages.spec.js', 'a function that sends requests, between mocks'],
  ['src/producer/partitioners/legacy/randomBytes.spec.js', 'the random start of its round robin'],
]
