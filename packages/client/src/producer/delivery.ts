// What becomes of one `send`: a part for each partition that it has messages in, which is done when all batches with its messages are. One promise
// for the whole, nothing for a record.
import { KafkaJSNonRetriableError } from '../errors/index.ts'
import type { RecordMetadata } from './types.ts'

/** Where a batch was written. Offsets and times are -1 where the broker does not tell them. */
export interface Placement {
  readonly baseOffset: number
  readonly logAppendTimeMs: number
  readonly logStartOffset: number
}

/** Some partitions of a send have their messages, others do not. `cause` is the first error. */
export class KafkaJSPartlySentError extends KafkaJSNonRetriableError {
  override name = 'KafkaJSPartlySentError'
  readonly sent: readonly RecordMetadata[]
  readonly failed: readonly { readonly topicName: string; readonly partition: number; readonly error: Error }[]

  constructor(parts: Pick<KafkaJSPartlySentError, 'sent' | 'failed'>) {
    const [first] = parts.failed
    super(`${parts.failed.length} of ${parts.failed.length + parts.sent.length} partitions of a send failed: ${first?.error.message}`, {
      ...(first === undefined ? {} : { cause: first.error }),
      hint: '`failed` names the partitions without these messages, `sent` those that have them',
    })
    this.sent = parts.sent
    this.failed = parts.failed
  }
}

/** The messages of one send in one partition. */
export class DeliveryPart {
  readonly topic: string
  readonly partition: number
  readonly #delivery: Delivery
  /** Batches that are not done. */
  #open = 0
  metadata: RecordMetadata | undefined
  error: Error | undefined

  constructor(delivery: Delivery, topic: string, partition: number) {
    this.#delivery = delivery
    this.topic = topic
    this.partition = partition
  }

  /** Another batch has messages of it. */
  joined(): void {
    if (this.#open++ === 0) this.#delivery.opened()
  }

  /** A batch was written; `index` is where this part's messages begin in it. Undefined with acks=0. */
  written(index: number, placement: Placement | undefined): void {
    if (placement !== undefined && this.metadata === undefined) {
      const { baseOffset, logAppendTimeMs, logStartOffset } = placement
      this.metadata = {
        topicName: this.topic,
        partition: this.partition,
        errorCode: 0,
        baseOffset: String(baseOffset < 0 ? baseOffset : baseOffset + index),
        logAppendTime: String(logAppendTimeMs),
        logStartOffset: String(logStartOffset),
      }
    }
    if (--this.#open === 0) this.#delivery.closed()
  }

  /** A batch was given up. */
  failed(error: Error): void {
    this.error ??= error
    if (--this.#open === 0) this.#delivery.closed()
  }
}

/** See the top of the file. */
export class Delivery {
  readonly promise: Promise<RecordMetadata[]>
  readonly #resolve: (metadata: RecordMetadata[]) => void
  readonly #reject: (error: Error) => void
  readonly #parts: DeliveryPart[] = []
  /** Parts that are not done, and one for the caller that still adds messages. */
  #open = 1

  constructor() {
    const { promise, resolve, reject } = withResolvers<RecordMetadata[]>()
    this.promise = promise
    this.#resolve = resolve
    this.#reject = reject
  }

  part(topic: string, partition: number): DeliveryPart {
    const part = new DeliveryPart(this, topic, partition)
    this.#parts.push(part)
    return part
  }

  opened(): void {
    this.#open++
  }

  /** A part is done; the caller calls it too, when it has added everything. */
  closed(): void {
    if (--this.#open > 0) return
    const failed = this.#parts.filter(part => part.error !== undefined)
    const sent = this.#parts.flatMap(part => (part.metadata === undefined || part.error !== undefined ? [] : [part.metadata]))
    const [first] = failed
    if (first?.error === undefined) return this.#resolve(sent)
    if (failed.length === this.#parts.length) return this.#reject(first.error)
    const errors = failed.map(({ topic, partition, error }) => ({ topicName: topic, partition, error: error ?? new Error('unknown') }))
    this.#reject(new KafkaJSPartlySentError({ sent, failed: errors }))
  }
}

const nothing = (): void => {}

/** Promise.withResolvers, which Node 20 does not have. */
export function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  let resolve: (value: T) => void = nothing
  let reject: (error: Error) => void = nothing
  const promise = new Promise<T>((resolved, rejected) => {
    resolve = resolved
    reject = rejected
  })
  return { promise, resolve, reject }
}
