// One topic in the hands of a test: `kafka.topic('orders')`.
import type { WireClient } from '../wire/wire-client.ts'
import { pause, realAfter, realNow } from '../world/real-time.ts'
import { DEFAULT_TIMEOUT_MS, TimeoutError, type WaitOptions } from './await-state.ts'
import { endOffsets, partitionCount, startOffsets } from './cluster-state.ts'
import { type Isolation, PartitionReader } from './partition-reader.ts'
import { type Message, type Produced, produceRecords } from './produce.ts'
import { type DecodedBy, decoded, type DecodeOptions, type Decoder, type RawRecord, type TestRecord } from './records.ts'

/** Which records, and how. */
export interface RecordsOptions<K extends Decoder = 'text', V extends Decoder = 'text'> extends DecodeOptions<K, V> {
  /** Of this partition alone. */
  readonly partition?: number
  /** 'committed' (default): nothing of aborted or open transactions. */
  readonly isolation?: Isolation
}

/** How to wait for records. */
export type ReceivedOptions<K extends Decoder = 'text', V extends Decoder = 'text'> = RecordsOptions<K, V> & WaitOptions

/** Values that a function decodes. */
interface ByFunction<T> {
  readonly value: (bytes: Buffer) => T
}

/** What was seen of a topic. */
export interface Followed {
  /** Whether what was waited for is there. */
  readonly isThere: boolean
  readonly records: readonly RawRecord[]
}

/** A fetch that waits is asked again after so much of the broker's time. */
const FETCH_WAIT_MS = 3_600_000
const RETRY_MS = 10
/** So many records are shown of a topic that has not received enough. */
const SHOWN = 5

/** See the top of the file. */
export class Topic {
  /** As the broker knows it, with the prefix of an isolated view. */
  readonly name: string
  readonly #wire: WireClient
  readonly #now: () => number

  constructor(name: string, wire: WireClient, now: () => number) {
    this.name = name
    this.#wire = wire
    this.#now = now
  }

  /** Number of its partitions. */
  partitions(): Promise<number> {
    return partitionCount(this.#wire, this.name)
  }

  /** The offset behind the last record of each partition. */
  async endOffsets(isolation: Isolation = 'committed'): Promise<Record<number, number>> {
    return Object.fromEntries(await endOffsets(this.#wire, this.name, isolation))
  }

  /** All records that are there now: partition by partition, each in the order of its offsets. */
  records<T>(options: RecordsOptions<'text', (bytes: Buffer) => T> & ByFunction<T>): Promise<TestRecord<string, T>[]>
  records<K extends Decoder = 'text', V extends Decoder = 'text'>(
    options?: RecordsOptions<K, V>,
  ): Promise<TestRecord<DecodedBy<K>, DecodedBy<V>>[]>
  async records(options: RecordsOptions<Decoder, Decoder> = {}): Promise<TestRecord<unknown, unknown>[]> {
    const { isolation = 'committed' } = options
    const ends = await endOffsets(this.#wire, this.name, isolation)
    const reader = await this.#reader(this.#wire, options)
    const all: RawRecord[] = []
    const isBehind = (): boolean => [...reader.offsets].some(([partition, offset]) => offset < (ends.get(partition) ?? 0))
    while (isBehind()) {
      const before = [...reader.offsets.values()].join()
      all.push(...(await reader.read(0)))
      // Records at the end of what was counted may be gone by now.
      if ([...reader.offsets.values()].join() === before) break
    }
    return inOrder(all).map(record => decoded(record, options))
  }

  /**
   * Resolves with all records as soon as there are `count`, in the order in which they came to be seen. Rejects with TimeoutError, which
   * shows what is there.
   */
  received<T>(count: number, options: ReceivedOptions<'text', (bytes: Buffer) => T> & ByFunction<T>): Promise<TestRecord<string, T>[]>
  received<K extends Decoder = 'text', V extends Decoder = 'text'>(
    count: number,
    options?: ReceivedOptions<K, V>,
  ): Promise<TestRecord<DecodedBy<K>, DecodedBy<V>>[]>
  async received(count: number, options: ReceivedOptions<Decoder, Decoder> = {}): Promise<TestRecord<unknown, unknown>[]> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = options
    const { isThere, records: seen } = await this.until(records => records.length >= count, options)
    // What there is now decides, however little of it was seen in time.
    const all = isThere ? seen : await this.records({ ...options, key: 'buffer', value: 'buffer' }).catch(() => seen)
    if (all.length < count) {
      throw new TimeoutError(`topic ${this.name} received ${all.length} of ${count} records within ${timeoutMs} ms.${shown(all)}`)
    }
    return all.map(record => decoded(record, options))
  }

  /** The record that was produced last, by its timestamp and then by its offset; undefined where there is none. */
  last<T>(options: RecordsOptions<'text', (bytes: Buffer) => T> & ByFunction<T>): Promise<TestRecord<string, T> | undefined>
  last<K extends Decoder = 'text', V extends Decoder = 'text'>(
    options?: RecordsOptions<K, V>,
  ): Promise<TestRecord<DecodedBy<K>, DecodedBy<V>> | undefined>
  async last(options: RecordsOptions<Decoder, Decoder> = {}): Promise<TestRecord<unknown, unknown> | undefined> {
    const records = await this.records(options)
    return records.toSorted((one, other) => one.timestamp - other.timestamp || one.offset - other.offset).at(-1)
  }

  /** Produces records and waits until the broker has acknowledged them. */
  async produce(messages: Message | readonly Message[]): Promise<Produced[]> {
    const list = isList(messages) ? messages : [messages]
    const partitions = await this.partitions()
    return produceRecords(this.#wire, { topic: this.name, partitions, now: this.#now() }, list)
  }

  /**
   * Reads until `isEnough` says so of all records, in the order in which they came to be seen, or the time is over. Rejects only where there
   * is nothing to read from.
   */
  async until(isEnough: (records: readonly RawRecord[]) => boolean, options: ReceivedOptions<Decoder, Decoder> = {}): Promise<Followed> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = options
    const records: RawRecord[] = []
    const deadline = realNow() + timeoutMs
    const wire = this.#wire.separate()
    let reader: PartitionReader | undefined
    try {
      while (!isEnough(records)) {
        const left = deadline - realNow()
        if (left <= 0) return { isThere: false, records }
        try {
          reader ??= await within(left, this.#reader(wire, options))
          records.push(...(await within(left, reader.read(FETCH_WAIT_MS))))
        } catch (error) {
          if (error === timeIsOver) return { isThere: false, records }
          // The broker may be starting again, or the topic not be there yet.
          await pause(RETRY_MS)
          if (realNow() >= deadline) throw error
        }
      }
      return { isThere: true, records }
    } finally {
      wire.close()
    }
  }

  async #reader(wire: WireClient, options: RecordsOptions<Decoder, Decoder>): Promise<PartitionReader> {
    const starts = await startOffsets(wire, this.name)
    const wanted = options.partition === undefined ? starts : new Map([...starts].filter(([partition]) => partition === options.partition))
    return new PartitionReader(wire, this.name, { offsets: wanted, isolation: options.isolation ?? 'committed' })
  }
}

const isList = (messages: Message | readonly Message[]): messages is readonly Message[] => Array.isArray(messages)

const timeIsOver = new Error('the time is over')

/** Settles as `work` does, or rejects with `timeIsOver`. */
function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = realAfter(ms, () => reject(timeIsOver), true)
    work.then(resolve, reject).finally(cancel)
  })
}

const inOrder = (records: readonly RawRecord[]): RawRecord[] =>
  records.toSorted((one, other) => one.partition - other.partition || one.offset - other.offset)

/** Some records in words, for errors. */
export function shown(records: readonly RawRecord[]): string {
  if (records.length === 0) return ''
  const lines = records.slice(0, SHOWN).map(({ key, offset, partition, value }) => {
    const text = value === null ? 'null' : value.toString().slice(0, 80)
    return `\n  partition ${partition} offset ${offset}: key ${key === null ? 'null' : `'${key.toString().slice(0, 40)}'`}, value ${text}`
  })
  return `${lines.join('')}${records.length > SHOWN ? `\n  and ${records.length - SHOWN} more` : ''}`
}
