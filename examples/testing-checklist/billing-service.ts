// The service under test: a shop sends orders, billing turns each into an invoice. Nothing here knows of tests.
import type { Consumer, Kafka, Producer } from '@ottla/client'

/** What a customer ordered. */
export interface Order {
  readonly id: number
  readonly customer: string
  readonly total: number
}

/** Orders by customer, so that those of one customer stay in their order. */
export const ORDERS = 'orders'
/** Invoices by customer. */
export const INVOICES = 'invoices'
/** Orders that billing cannot read. */
export const REJECTED = 'orders-rejected'

/** Sends orders. */
export async function placeOrders(producer: Producer, orders: readonly Order[]): Promise<void> {
  const messages = orders.map(order => ({
    key: order.customer,
    value: JSON.stringify(order),
    headers: { 'content-type': 'application/json' },
  }))
  await producer.send({ topic: ORDERS, messages })
}

/** Says whether something that was parsed is an order. */
export function isOrder(value: unknown): value is Order {
  if (typeof value !== 'object' || value === null) return false
  return 'id' in value && 'customer' in value && 'total' in value && typeof value.total === 'number' && value.total >= 0
}

/** How billing is started. */
export interface BillingOptions {
  readonly group?: string
  /** Called with each order before its invoice is sent; what it throws has the order tried again. */
  readonly onOrder?: (order: Order) => Promise<void> | void
}

/** Billing while it runs. */
export interface Billing {
  readonly consumer: Consumer
  stop(): Promise<void>
}

/** Starts a member of the billing group. An order is committed once its invoice is acknowledged. */
export async function startBilling(kafka: Kafka, { group = 'billing', onOrder }: BillingOptions = {}): Promise<Billing> {
  const producer = kafka.producer()
  const consumer = kafka.consumer({ groupId: group, maxWaitTimeInMs: 100 })
  await Promise.all([producer.connect(), consumer.connect()])
  await consumer.subscribe({ topics: [ORDERS], fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      const order = parsed(message.value)
      if (order === undefined) {
        await producer.send({ topic: REJECTED, messages: [{ key: message.key, value: message.value }] })
        return
      }
      await onOrder?.(order)
      const invoice = { order: order.id, amount: order.total }
      await producer.send({ topic: INVOICES, messages: [{ key: order.customer, value: JSON.stringify(invoice) }] })
    },
  })
  const stop = async (): Promise<void> => {
    await consumer.disconnect()
    await producer.disconnect()
  }
  return { consumer, stop }
}

function parsed(value: Buffer | null): Order | undefined {
  try {
    const order: unknown = JSON.parse(value?.toString() ?? '')
    return isOrder(order) ? order : undefined
  } catch {
    return undefined
  }
}
