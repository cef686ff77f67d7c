// What the programs of the service share: the cluster, and what an order is.
import { Kafka, logLevel } from '@ottla/client'

export const kafka = new Kafka({
  clientId: 'orders-service',
  brokers: (process.env.KAFKA_BROKERS ?? 'localhost:9092').split(','),
  logLevel: logLevel.ERROR,
})

/** What a customer wants. */
export interface Order {
  readonly id: string
  readonly item: string
}

/** Orders as JSON: gives producers and consumers the type of their messages. */
export const orderCodec = {
  serialize: (order: Order): string => JSON.stringify(order),
  deserialize: (data: Buffer | null): Order => JSON.parse(String(data)),
}
