// Tests of KafkaJS that do not pass with this client, each with the reason why that is as it should be.

/** What the specs run against. */
export type Brokers = 'ottla' | 'kafka'

/** A test that is expected to fail. */
export interface ExpectedFailure {
  readonly file: string
  /** Names of describe blocks and of the test, or the beginning of them. */
  readonly test: string
  readonly reason: string
  /** Against these only. */
  readonly brokers?: Brokers
  /** It may pass as well: that depends on how quick the machine is. */
  readonly rarely?: true
}

type Facts = Pick<ExpectedFailure, 'reason' | 'brokers' | 'rarely'>

/** Tests of a file; each name begins with `under`. */
const tests = (facts: Facts, file: string, { under = '', names }: { under?: string; names: readonly string[] }): ExpectedFailure[] =>
  names.map(name => ({ ...facts, file: `src/${file}.spec.js`, test: `${under}${name}` }))

const mocked: Facts = { reason: "replaces a method of KafkaJS's internal classes by a mock and waits for it to be called" }
const worded: Facts = { reason: 'compares the text of a message: messages are worded anew; `type`, `code` and `name` are the same' }
const secured: Facts = { reason: 'Ottla has no TLS and no SASL yet', brokers: 'ottla' }
const single: Facts = { reason: 'needs more than one broker', brokers: 'ottla' }
const asText: Facts = { reason: 'expects a number as text that is a number in the types of KafkaJS, and here' }
const queued: Facts = { reason: 'waits for requests to queue up: concurrent calls share a request, or have no bound' }
const controllerMoved = 'retries if the controller has moved'

const admin: readonly ExpectedFailure[] = [
  ...tests(mocked, 'admin/__tests__/alterConfigs', { under: 'Admin alterConfigs ', names: [controllerMoved] }),
  ...tests(mocked, 'admin/__tests__/describeConfigs', { under: 'Admin describeConfigs ', names: [controllerMoved] }),
  ...tests(mocked, 'admin/__tests__/listPartitionReassignments', { under: 'Admin listPartitionReassignments ', names: [controllerMoved] }),
  ...tests(mocked, 'admin/__tests__/alterPartitionReassignments', {
    under: 'Admin alterPartitionReassignments ',
    names: [controllerMoved],
  }),
  ...tests(mocked, 'admin/__tests__/createPartitions', { under: 'Admin createPartitions ', names: [controllerMoved] }),
  ...tests(mocked, 'admin/__tests__/createTopics', {
    under: 'Admin createTopics ',
    names: [
      controllerMoved,
      'ignore already created topics and return false',
      'query metadata if waitForLeaders is true',
      'forward non ignorable errors with topic name metadata',
    ],
  }),
  ...tests(mocked, 'admin/__tests__/deleteTopics', {
    under: 'Admin deleteTopics ',
    names: [controllerMoved, 'interrupts on REQUEST_TIMED_OUT', 'remove deleted topics from the cluster target group'],
  }),
  ...tests(mocked, 'admin/__tests__/deleteTopicRecords', {
    under: 'Admin > deleteTopicRecords ',
    names: [
      'in case of retriable error, tries again',
      'UNKNOWN_TOPIC_OR_PARTITION refresh',
      'LEADER_NOT_AVAILABLE refresh',
      'NOT_LEADER_FOR_PARTITION refresh',
      'KafkaJSMetadataNotLoaded refresh',
      'if at least 1 broker error is non-retriable',
      'if all broker errors are retriable',
    ],
  }),
  ...tests(worded, 'admin/__tests__/deleteTopicRecords', {
    under: 'Admin > deleteTopicRecords ',
    names: ['if 1 of the broker request offsets is out-of-range'],
  }),
  ...tests(
    { reason: 'an offset below the low watermark is nothing to warn of: the records are gone' },
    'admin/__tests__/deleteTopicRecords',
    {
      under: 'Admin > deleteTopicRecords ',
      names: ['in case offset is below low watermark, log a warning'],
    },
  ),
  ...tests(worded, 'admin/__tests__/createAcls', { under: 'Admin createAcls ', names: ['checks topic access'] }).map(one => ({
    ...one,
    brokers: 'kafka' as const,
  })),
  ...tests(worded, 'admin/__tests__/createPartitions', {
    under: 'Admin createPartitions ',
    names: [
      'throws an error trying to create partition',
      'throws an error trying to assign invalid broker',
      'throws an error trying when total partition',
    ],
  }),
  ...tests(worded, 'admin/__tests__/alterPartitionReassignments', {
    under: 'Admin alterPartitionReassignments ',
    names: ['throws an error if the if trying to reassign', 'throws an error trying to assign invalid broker'],
  }),
  ...tests(worded, 'admin/__tests__/fetchTopicMetadata', {
    under: 'Admin fetchTopicMetadata ',
    names: ['throws an error if the topic does not exist'],
  }),
  ...tests(
    { reason: "expects an array of jest's sandbox; compiled decoders make theirs outside of it" },
    'admin/__tests__/fetchTopicMetadata',
    {
      names: ['Admin fetchTopicMetadata creates a new topic if the topic does not exist'],
    },
  ),
  ...tests(queued, 'admin/index', { under: 'Admin ', names: ['emits the request queue size event'] }),
  ...tests(secured, 'admin/__tests__/connection', {
    under: 'Admin support ',
    names: ['SSL', 'SASL PLAIN', 'SASL SCRAM 256', 'SASL SCRAM 512'],
  }),
  ...tests(single, 'admin/__tests__/alterConfigs', { names: ['Admin alter broker configs'] }),
  ...tests(single, 'admin/__tests__/describeConfigs', { names: ['Admin describeConfigs describe broker configs'] }),
  ...tests(single, 'admin/__tests__/describeCluster', { names: ['Admin describeCluster retrieves metadata for all brokers'] }),
  ...tests(single, 'admin/__tests__/createTopics', { names: ['Admin createTopics creating topic with manual replica assignment'] }),
  ...tests(single, 'admin/__tests__/alterPartitionReassignments', { names: ['Admin alterPartitionReassignments reassign partitions'] }),
  ...tests(single, 'admin/__tests__/listPartitionReassignments', { names: ['Admin listPartitionReassignments list reassignments'] }),
]

const consumer: readonly ExpectedFailure[] = [
  ...tests(mocked, 'consumer/__tests__/errorRecovery', {
    under: 'Consumer ',
    names: ['recovers from crashes due to retriable errors', 'does not recover from crashes', 'allows the user to bail out'],
  }),
  ...tests(
    { reason: "KafkaJS's cluster, which looks on, asked a coordinator that had moved", brokers: 'kafka', rarely: true },
    'consumer/__tests__/errorRecovery',
    {
      names: ['Consumer recovers from offset out of range'],
    },
  ),
  ...tests(mocked, 'consumer/__tests__/commitOffsets', {
    names: ['Consumer when commitOffsets updates the partition committed offset to the given offset'],
  }),
  ...tests({ reason: 'expects `magicByte` in messages, which the types do not have' }, 'consumer/__tests__/consumeMessages', {
    under: 'Consumer consume ',
    names: ['messages with 0.11 format', 'GZIP messages with 0.11 format'],
  }),
  ...tests(asText, 'consumer/__tests__/consumeMessages', {
    under: 'Consumer transactions ',
    names: ['respects offsets sent by a committed transaction', 'does not respect offsets sent by an aborted transaction'],
  }),
  ...tests({ reason: 'heartbeats go on in the background, so that there are more of them' }, 'consumer/__tests__/consumeMessages', {
    names: ['Consumer heartbeats are exposed in the eachMessage handler'],
  }),
  ...tests({ reason: 'measures the distance of answers to heartbeats', rarely: true }, 'consumer/__tests__/consumeMessages', {
    names: ['Consumer concurrent heartbeats are consolidated'],
  }),
  ...tests(
    { reason: 'nothing is fetched while everything is paused, and no event tells of it', rarely: true },
    'consumer/__tests__/consumeMessages',
    {
      names: ['Consumer discards messages received when pausing while fetch is in-flight'],
    },
  ),
  ...tests(
    { reason: 'nothing is fetched by a member without partitions, and no event tells of it' },
    'consumer/__tests__/emptyAssignment',
    {
      names: ['Consumer remains in the group without receiving any assignment'],
    },
  ),
  ...tests(asText, 'consumer/__tests__/instrumentationEvents', {
    under: 'Consumer > Instrumentation Events emits ',
    names: ['commit offsets', 'fetch', 'fetch start'],
  }),
  ...tests(
    { reason: 'waits for an answer to take longer than 1 ms, and runs without a subscription', rarely: true },
    'consumer/__tests__/instrumentationEvents',
    {
      names: ['Consumer > Instrumentation Events emits request timeout events'],
    },
  ),
  ...tests({ reason: 'the round robin assigner gives members only what they subscribe' }, 'consumer/__tests__/instrumentationEvents', {
    names: ['Consumer > Instrumentation Events emits received unsubscribed topics events'],
  }),
  ...tests(
    { reason: 'calls the assigner with members without a subscription, which brokers never give' },
    'consumer/assigners/roundRobinAssigner/index',
    {
      under: 'Consumer > assigners > RoundRobinAssigner #assign assign ',
      names: ['all topic-partitions evenly', 'topics with names taken from builtin functions'],
    },
  ),
  ...tests(secured, 'consumer/__tests__/connection', {
    under: 'Consumer support ',
    names: ['SSL', 'SASL PLAIN', 'SASL SCRAM 256', 'SASL SCRAM 512'],
  }),
]

const producer: readonly ExpectedFailure[] = [
  ...tests(mocked, 'producer/__tests__/idempotentProduceMessages', {
    names: [
      'sequential produce() calls > where produce() throws a retriable error',
      'concurrent produce() calls > where produce() throws a retriable error on the first call',
      'concurrent produce() calls > where produce() throws a retriable error on 2nd call',
      'concurrent produce() calls > where produce() throws a retriable error after the message',
    ],
  }),
  ...tests(mocked, 'producer/index', {
    under: 'Producer ',
    names: [
      'transactions supports sending offsets',
      'when idempotent=true only calls initProducerId if unitialized',
      'when idempotent=true sets the default retry value',
    ],
  }),
  ...tests(queued, 'producer/index', { names: ['Producer emits the request queue size event'] }),
  ...tests({ reason: 'waits for an answer to take longer than 1 ms', rarely: true }, 'producer/index', {
    names: ['Producer emits the request timeout event'],
  }),
  ...tests(worded, 'producer/__tests__/producingToInvalidTopic', { names: ['Producer > Producing to invalid topics it rejects'] }),
  ...tests({ reason: 'all codecs are built in' }, 'producer/compression', {
    under: 'Producer ',
    names: ['snappy compression not configured', 'lz4 compression not configured', 'zstd compression not configured'],
  }),
  ...tests(secured, 'producer/index', {
    under: 'Producer ',
    names: ['support SSL', 'support SASL', 'throws an error if SASL PLAIN', 'throws an error if SASL SCRAM'],
  }),
]

/** See above. */
export const expectedFailures: readonly ExpectedFailure[] = [...admin, ...consumer, ...producer]
