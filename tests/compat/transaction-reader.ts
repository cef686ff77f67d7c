// A reader with isolation.level=read_committed (KIP-98): it fetches up to the last stable offset and leaves out what the answer calls aborted.
// It reads all the time, over small answers, and notes whatever a transaction must not let it see.
import { setTimeout as sleep } from 'node:timers/promises'
import {
  batchesIn,
  ErrorCode,
  errorOf,
  fetchApi,
  type FetchResponse,
  type RecordBatch,
  readEndTransaction,
  recordsOf,
} from '@ottla/protocol'
import { Wire } from './wire.ts'

type PartitionData = FetchResponse['responses'][number]['partitions'][number]

/** A record as a reader of committed records is given it. */
export interface CommittedRecord {
  readonly offset: number
  readonly key: string | undefined
  readonly value: string
}

/** One partition, from its beginning on. */
class PartitionReader {
  readonly name: string
  readonly records: CommittedRecord[] = []
  /** Per committed transaction the records it has in this partition. */
  readonly transactions: CommittedRecord[][] = []
  readonly wrong: string[] = []
  position = 0
  aborted = 0
  readonly #severalProducers: boolean
  /** True when the last answer went to the end of the log. */
  atEnd = false
  /** Producer id -> what it wrote since its last end of a transaction. */
  readonly #open = new Map<number, { readonly isAborted: boolean; readonly records: CommittedRecord[] }>()

  constructor(name: string, severalProducers: boolean) {
    this.name = name
    this.#severalProducers = severalProducers
  }

  #isWrong(what: string): void {
    if (this.wrong.length < 20) this.wrong.push(`${this.name}: ${what}`)
  }

  /** Takes one answer. */
  take(data: PartitionData): void {
    const { lastStableOffset, highWatermark } = data
    if (lastStableOffset > highWatermark)
      this.#isWrong(`the last stable offset ${lastStableOffset} is above the high watermark ${highWatermark}`)
    // A broker that came back answers with a high watermark, and a last stable offset, that it has to learn again.
    if (lastStableOffset < this.position) return
    const aborted = (data.abortedTransactions ?? []).toSorted((a, b) => a.firstOffset - b.firstOffset)
    const abortedProducers = new Set<number>()
    for (const batch of data.records === null ? [] : batchesIn(data.records)) {
      for (let first = aborted[0]; first !== undefined && first.firstOffset <= batch.lastOffset; first = aborted[0])
        abortedProducers.add((aborted.shift() ?? first).producerId)
      if (batch.lastOffset >= lastStableOffset)
        this.#isWrong(`offset ${batch.lastOffset} came, the last stable offset is ${lastStableOffset}`)
      if (batch.nextOffset <= this.position) continue
      if (batch.isControl) this.#end(batch, abortedProducers)
      else this.#data(batch, abortedProducers)
      this.position = batch.nextOffset
    }
    this.atEnd = this.position === highWatermark
    if (!this.#severalProducers && this.position === lastStableOffset && this.#open.size > 0)
      this.#isWrong(`a transaction without an end lies before the last stable offset ${lastStableOffset}`)
  }

  #data(batch: RecordBatch, abortedProducers: ReadonlySet<number>): void {
    const isAborted = batch.isTransactional && abortedProducers.has(batch.producerId)
    const open = this.#open.get(batch.producerId) ?? { isAborted, records: [] }
    if (batch.isTransactional) this.#open.set(batch.producerId, open)
    if (open.isAborted !== isAborted)
      this.#isWrong(`${batch.baseOffset} is ${isAborted ? '' : 'not '}aborted, the transaction began otherwise`)
    if (isAborted) return
    for (const { offset, key, value } of recordsOf(batch)) {
      const record = { offset, key: key?.toString(), value: value?.toString() ?? '' }
      this.records.push(record)
      open.records.push(record)
    }
  }

  #end(batch: RecordBatch, abortedProducers: Set<number>): void {
    const end = [...recordsOf(batch)].map(record => readEndTransaction(record))[0]
    const open = this.#open.get(batch.producerId)
    this.#open.delete(batch.producerId)
    if (end?.isCommit === false) {
      if (open?.isAborted === false) this.#isWrong(`records of the transaction that was aborted at ${batch.baseOffset} came`)
      abortedProducers.delete(batch.producerId)
      this.aborted += 1
      return
    }
    if (open?.isAborted) this.#isWrong(`records of the transaction that was committed at ${batch.baseOffset} were called aborted`)
    if (open !== undefined) this.transactions.push(open.records)
  }
}

const offsetsOf = ({ highWatermark, lastStableOffset }: PartitionData): string =>
  `high watermark ${highWatermark}, last stable offset ${lastStableOffset}`

/** Errors that a broker may answer while it starts. */
const passing: ReadonlySet<number> = new Set([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.FENCED_LEADER_EPOCH,
  ErrorCode.OFFSET_NOT_AVAILABLE,
  ErrorCode.LEADER_NOT_AVAILABLE,
])

/** Reads a topic until it is disposed of, also across the broker's end. */
export class CommittedReader implements AsyncDisposable {
  readonly partitions: readonly PartitionReader[]
  readonly #port: number
  readonly #topic: string
  readonly #reading: Promise<void>
  #stopped = false
  #failed: string | undefined
  #rounds = 0

  /** Where one producer writes at a time every transaction has its end before the last stable offset; of several the end may lie behind it. */
  constructor(port: number, topic: string, partitions: number, options: { readonly severalProducers?: boolean } = {}) {
    this.#port = port
    this.#topic = topic
    this.partitions = Array.from(
      { length: partitions },
      (_, number) => new PartitionReader(`${topic}-${number}`, options.severalProducers === true),
    )
    this.#reading = this.#readAll()
  }

  /** What must not have been seen. */
  get wrong(): string[] {
    return [...(this.#failed === undefined ? [] : [this.#failed]), ...this.partitions.flatMap(partition => partition.wrong)]
  }

  get count(): number {
    return this.partitions.reduce((sum, { records }) => sum + records.length, 0)
  }

  async #readAll(): Promise<void> {
    while (!this.#stopped) {
      try {
        await using wire = await Wire.connect(this.#port)
        while (!this.#stopped) await this.#readOnce(wire)
      } catch {
        await sleep(50)
      }
    }
  }

  async #readOnce(wire: Wire): Promise<void> {
    const answer = await wire.ask(fetchApi, 11, {
      replicaId: -1,
      maxWaitMs: 50,
      minBytes: 1,
      maxBytes: 100_000,
      isolationLevel: 1,
      sessionId: 0,
      sessionEpoch: -1,
      // So little that answers end in the middle of transactions.
      topics: [
        {
          topic: this.#topic,
          partitions: this.partitions.map(({ position }, partition) => ({ partition, fetchOffset: position, partitionMaxBytes: 1500 })),
        },
      ],
      forgottenTopicsData: [],
      rackId: '',
    })
    for (const data of answer.responses[0]?.partitions ?? []) {
      if (data.errorCode === ErrorCode.NONE) this.partitions[data.partitionIndex]?.take(data)
      else if (passing.has(data.errorCode)) await sleep(20)
      else this.#failed ??= `${this.#topic}-${data.partitionIndex}: ${errorOf(data.errorCode).name}, ${offsetsOf(data)}`
    }
    this.#rounds += 1
  }

  /** Waits until it has read to the end of every partition, with nothing undecided before it. */
  async drained(timeoutMs = 20_000): Promise<void> {
    // The answer to a request that left before this call may be older than what is waited for.
    const round = this.#rounds + 1
    const deadline = Date.now() + timeoutMs
    while (this.#rounds <= round || !this.partitions.every(({ atEnd }) => atEnd)) {
      if (Date.now() > deadline)
        throw new Error(`${this.#topic} was not read to its end: ${this.partitions.map(({ position }) => position).join(' ')}`)
      await sleep(20)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    await this.#reading
  }
}
