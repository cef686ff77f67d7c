// The entry of the client: what is common to the producers, consumers and admins of one program. Each of them has connections of its own.
import type { Admin, AdminOptions } from './admin/admin.ts'
import { createAdmin } from './admin/admin.ts'
import type { Cluster } from './cluster/cluster.ts'
import type { ClusterOptions } from './cluster/create-cluster.ts'
import { createCluster } from './cluster/create-cluster.ts'
import type { MessagesOf } from './consumer/codec.ts'
import { createConsumer } from './consumer/consumer.ts'
import type { Consumer, ConsumerConfig } from './consumer/types.ts'
import type { Logger } from './logger.ts'
import { createLogger } from './logger.ts'
import type { KafkaConfig } from './options.ts'
import { createProducer } from './producer/producer.ts'
import type { ProducerSerializers } from './producer/serializers.ts'
import type { Producer, ProducerConfig } from './producer/types.ts'
import { Redelivery } from './redelivery/redelivery.ts'
import type { RetryOptions } from './retry.ts'

type OwnOptions = Pick<ClusterOptions, 'metadataMaxAge' | 'allowAutoTopicCreation' | 'maxInFlightRequests'> & {
  readonly retry?: RetryOptions | undefined
}

/** A client of a cluster: makes producers, consumers and admins. Nothing is connected before one of them is. */
export class Kafka {
  readonly #config: KafkaConfig
  readonly #logger: Logger

  constructor(config: KafkaConfig) {
    const { logLevel, logCreator } = config
    this.#config = config
    this.#logger = createLogger({ level: logLevel, logCreator })
  }

  /** Makes a producer. */
  producer<const S extends ProducerSerializers = ProducerSerializers>(config: ProducerConfig<S> = {}): Producer<S> {
    const { retry, metadataMaxAge, allowAutoTopicCreation } = config
    return createProducer(this.#cluster({ retry, metadataMaxAge, allowAutoTopicCreation }), config)
  }

  /** Makes a member of a consumer group, or with `groupId: null` a consumer that reads what it is told to. */
  consumer<const C extends ConsumerConfig>(config: C): Consumer<MessagesOf<C>> {
    const { retry, metadataMaxAge, allowAutoTopicCreation, maxInFlightRequests } = config
    const cluster = this.#cluster({ retry, metadataMaxAge, allowAutoTopicCreation, maxInFlightRequests })
    const redelivery = new Redelivery({ cluster, config, producer: () => this.producer(), consumer: of => this.consumer(of) })
    return redelivery.wrap(createConsumer(cluster, { ...config, middleware: [redelivery.middleware, ...(config.middleware ?? [])] }))
  }

  /** Makes an admin. */
  admin(config: AdminOptions = {}): Admin {
    const { retry, allowAutoTopicCreation = false } = config
    return createAdmin(this.#cluster({ retry, allowAutoTopicCreation }), config)
  }

  /** The logger that everything made by this client logs to. */
  logger(): Logger {
    return this.#logger
  }

  #cluster({ retry, ...own }: OwnOptions): Cluster {
    const { logLevel: _logLevel, logCreator: _logCreator, ...common } = this.#config
    return createCluster({ ...common, ...own, retry: { ...common.retry, ...retry }, logger: this.#logger })
  }
}
