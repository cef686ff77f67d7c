// The clients that share out a topic among themselves, each with the assignors and protocols it has.

/** A client in one of its ways. */
export interface GroupClient {
  readonly name: string
  /** Name in groupPrograms. */
  readonly program: string
  readonly options: Readonly<Record<string, string>>
  /** True when this client reads records again after any rebalance: it rejoins without a commit of what it handled. */
  readonly redelivers?: boolean
}

const variants = (program: string, ways: readonly Record<string, string>[], more: Partial<GroupClient> = {}): GroupClient[] =>
  ways.map(options => ({ name: [program, ...Object.values(options)].join(' '), program, options, ...more }))

const assignors = (...names: string[]) => names.map(assignor => ({ assignor }))
const consumerProtocol = { protocol: 'consumer' }

export const groupClients: readonly GroupClient[] = [
  ...variants('kafkajs', [{}]),
  ...variants('@platformatic/kafka', [{}], { redelivers: true }),
  ...variants('@platformatic/kafka', [consumerProtocol], { redelivers: true }),
  ...variants('kafka-python', assignors('range', 'roundrobin', 'sticky', 'cooperative-sticky')),
  ...variants('confluent-kafka', [...assignors('range', 'cooperative-sticky'), consumerProtocol]),
  ...variants('Java', [...assignors('range', 'roundrobin', 'sticky', 'cooperative-sticky'), consumerProtocol]),
  ...variants('Java', [{ protocol: 'consumer', 'remote-assignor': 'range' }]),
  ...variants('sarama', assignors('range', 'roundrobin', 'sticky')),
  ...variants('kafka-go', assignors('range', 'roundrobin')),
  ...variants('franz-go', [...assignors('range', 'roundrobin', 'sticky', 'cooperative-sticky'), consumerProtocol]),
  ...variants('kcat', [{}], { redelivers: true }),
]

/** Clients with static members (KIP-345). With group.protocol=consumer franz-go 1.22.2 leaves without its instance id, so that Kafka refuses it. */
export const staticClients: readonly GroupClient[] = [
  ...variants('kafka-python', [{}]),
  ...variants('confluent-kafka', [{}, consumerProtocol]),
  ...variants('Java', [{}, consumerProtocol]),
  ...variants('sarama', [{}]),
  ...variants('franz-go', [{}]),
]

/** Clients whose groups change the protocol. Not librdkafka's cooperative-sticky: Kafka lets no user data of an assignor get lost. */
export const migratingClients: readonly GroupClient[] = [
  ...variants('confluent-kafka', [{}]),
  ...variants('Java', [{}, { assignor: 'cooperative-sticky' }]),
]

/**
 * One way of each client and protocol, to outlive a restart of the broker. Two clients do not, with Kafka neither: kcat ends when its only
 * broker goes, and @platformatic/kafka's stream when a fetch fails four times.
 */
export const restartedClients: readonly GroupClient[] = [
  ...variants('kafkajs', [{}]),
  ...variants('kafka-python', [{}]),
  ...variants('confluent-kafka', [{}, consumerProtocol]),
  ...variants('Java', [{}, consumerProtocol]),
  ...variants('sarama', [{}]),
  ...variants('kafka-go', [{}]),
  ...variants('franz-go', [{}, consumerProtocol]),
]
