// Events of a producer, by KafkaJS's names. Those of the network are told by the cluster under names without the prefix.

/** Names of events. */
export interface ProducerEvents {
  readonly CONNECT: 'producer.connect'
  readonly DISCONNECT: 'producer.disconnect'
  readonly REQUEST: 'producer.network.request'
  readonly REQUEST_TIMEOUT: 'producer.network.request_timeout'
  readonly REQUEST_QUEUE_SIZE: 'producer.network.request_queue_size'
}

const names = {
  CONNECT: 'producer.connect',
  DISCONNECT: 'producer.disconnect',
  REQUEST: 'producer.network.request',
  REQUEST_TIMEOUT: 'producer.network.request_timeout',
  REQUEST_QUEUE_SIZE: 'producer.network.request_queue_size',
} as const

/** Names of events. */
export const producerEvents: ProducerEvents = names
/** What `on` takes. */
export const eventNames: readonly string[] = Object.values(names)

const PREFIX = 'producer.'

/** The name under which a cluster's emitter tells it. */
export const innerName = (name: string): string => (name.startsWith(`${PREFIX}network.`) ? name.slice(PREFIX.length) : name)
