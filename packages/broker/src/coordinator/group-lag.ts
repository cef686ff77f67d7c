// How far groups are behind, in records and in seconds: what kafka_exporter and its kin ask the cluster for, from the coordinator's own state
// and the logs on this broker. Made when somebody asks, in slices, as there may be millions of offsets.
import type { Group, OffsetCounts } from '@ottla/coordinator'
import type { Clock } from '@ottla/protocol'
import { type LagLog, timestampAt } from './lag-time.ts'

/** The groups of one partition of __consumer_offsets. */
export interface LedGroups {
  readonly groups: ReadonlyMap<string, Group>
  readonly offsets: {
    readonly size: number
    readonly counts: OffsetCounts
    committed(groupId: string): Committed | undefined
  }
}

interface CommittedAt {
  readonly offset: number
  readonly commitTimestampMs: number
}
/** By topic and partition. */
type Committed = ReadonlyMap<string, ReadonlyMap<number, CommittedAt>>

/** A partition of a topic that a group has an offset of. */
export interface PartitionLag {
  readonly partition: number
  readonly currentOffset: number
  readonly commitTimestampMs: number
  /** Records after the offset up to the high watermark; null where the log is not on this broker. */
  readonly lag: number | null
  /** Age of the first record after the offset, 0 where there is none; null where that is not known. */
  readonly lagSeconds: number | null
}

/** What a group has of one topic. */
export interface TopicLag {
  readonly topic: string
  readonly currentOffsetSum: number
  /** Of the partitions whose lag is known; null if it is known of none. */
  readonly lagSum: number | null
  /** Null where there are too many to be told one by one. */
  readonly partitions: readonly PartitionLag[] | null
}

/** A group and how far it is behind. */
export interface GroupLagFacts {
  readonly group: Group
  readonly topics: readonly TopicLag[]
}

/** All groups that are led here. */
export interface LagReport {
  readonly groups: readonly GroupLagFacts[]
  /** Groups that are only in the report with their sums, or not at all, as it would be too long. */
  readonly omitted: number
}

/** What lag is made of. */
export interface GroupLagParts {
  /** The partitions of __consumer_offsets that are led and loaded. */
  readonly led: () => readonly LedGroups[]
  readonly log: (topic: string, partition: number) => LagLog | undefined
  readonly clock: Pick<Clock, 'now'>
  /** Calls what it is given in a later turn of the event loop. */
  readonly later: (run: () => void) => void
  /** How many lines a report may have; a group is one, and each of its topics and partitions. */
  readonly maxLines?: number
  /** How many batches may be read for one report. */
  readonly maxReads?: number
}

const MAX_LINES = 10_000
const MAX_READS = 1_000
/** So many offsets are looked at, or batches read, before others have their turn. */
const SLICE_OFFSETS = 2_000
const SLICE_READS = 20

/** A partition whose time is still to be found. */
interface Waiting {
  readonly log: LagLog
  /** First offset that was not consumed. */
  readonly offset: number
}

const nothing: Committed = new Map<string, ReadonlyMap<number, CommittedAt>>()

/** What a report will be made of. */
interface Collected {
  readonly found: { readonly group: Group; readonly topics: readonly TopicDraft[] }[]
  omitted: number
  readonly waiting: Waiting[]
  readonly times: Times
}

type Times = Map<LagLog, Map<number, number | null>>

/** See the top of the file. */
export class GroupLag {
  readonly #parts: GroupLagParts
  #running: Promise<LagReport> | null = null
  /** Times of the records that the last report asked for: the time of an offset does not change. */
  #times: Times = new Map()
  /** Where in what is waiting the next report begins to read, so that each has its turn. */
  #turn = 0

  constructor(parts: GroupLagParts) {
    this.#parts = parts
  }

  /** Makes a report; who asks meanwhile gets the same. */
  report(): Promise<LagReport> {
    this.#running ??= this.#make().finally(() => {
      this.#running = null
    })
    return this.#running
  }

  async #make(): Promise<LagReport> {
    const { found, omitted, waiting, times } = await this.#collect()
    await this.#read(waiting, times)
    this.#times = times
    const now = this.#parts.clock.now()
    const groups = found.map(({ group, topics }) => ({ group, topics: topics.map(topic => finished(topic, times, now)) }))
    return { groups, omitted }
  }

  async #collect() {
    const { led, maxLines = MAX_LINES } = this.#parts
    const collected: Collected = { found: [], omitted: 0, waiting: [], times: new Map() }
    let lines = 0
    let looked = 0
    for (const { groups, offsets } of led())
      for (const group of groups.values()) {
        const committed = offsets.committed(group.groupId) ?? nothing
        let size = 1 + committed.size
        for (const partitions of committed.values()) size += partitions.size
        const isWhole = lines + size <= maxLines
        if (!isWhole) collected.omitted += 1
        const shown = isWhole ? size : 1 + committed.size
        looked += shown
        if (lines + shown <= maxLines) {
          lines += shown
          looked += size
          this.#take(group, { committed, isWhole }, collected)
        }
        if (looked < SLICE_OFFSETS) continue
        looked = 0
        await this.#pause()
      }
    return collected
  }

  #take(group: Group, { committed, isWhole }: { committed: Committed; isWhole: boolean }, { found, waiting, times }: Collected): void {
    const topics = Array.from(committed, ([topic, partitions]) => ({ ...this.#draft(topic, partitions), isWhole }))
    found.push({ group, topics })
    if (isWhole) for (const { partitions } of topics) for (const one of partitions) this.#await(one, waiting, times)
  }

  #draft(topic: string, committed: ReadonlyMap<number, CommittedAt>): Omit<TopicDraft, 'isWhole'> {
    const partitions = Array.from(committed, ([partition, { offset, commitTimestampMs }]) => {
      return { partition, offset, commitTimestampMs, log: this.#parts.log(topic, partition) }
    })
    return { topic, partitions }
  }

  /** Takes the time of an offset from the last report, or has it read. */
  #await({ log, offset }: PartitionDraft, waiting: Waiting[], times: Times): void {
    if (log === undefined || offset < 0) return
    const first = Math.max(offset, log.logStartOffset)
    if (first >= log.highWatermark) return
    let ofLog = times.get(log)
    if (ofLog === undefined) times.set(log, (ofLog = new Map<number, number | null>()))
    if (ofLog.has(first)) return
    const known = this.#times.get(log)?.get(first) ?? null
    ofLog.set(first, known)
    if (known === null) waiting.push({ log, offset: first })
  }

  async #read(waiting: readonly Waiting[], times: Times): Promise<void> {
    const count = Math.min(waiting.length, this.#parts.maxReads ?? MAX_READS)
    const begin = count < waiting.length ? this.#turn : 0
    for (let index = 0; index < count; index++) {
      const next = waiting[(begin + index) % waiting.length]
      if (next !== undefined) times.get(next.log)?.set(next.offset, await timestampAt(next.log, next.offset))
      if ((index + 1) % SLICE_READS === 0) await this.#pause()
    }
    this.#turn = waiting.length === 0 ? 0 : (begin + count) % waiting.length
  }

  #pause(): Promise<void> {
    return new Promise(resolve => this.#parts.later(resolve))
  }
}

interface PartitionDraft {
  readonly partition: number
  readonly offset: number
  readonly commitTimestampMs: number
  readonly log: LagLog | undefined
}

interface TopicDraft {
  readonly topic: string
  readonly partitions: readonly PartitionDraft[]
  readonly isWhole: boolean
}

function finished({ topic, partitions, isWhole }: TopicDraft, times: Times, now: number): TopicLag {
  const lags = partitions.map(draft => partitionLag(draft, times, now))
  const known = lags.flatMap(({ lag }) => (lag === null ? [] : [lag]))
  return {
    topic,
    currentOffsetSum: sum(partitions.map(({ offset }) => Math.max(0, offset))),
    lagSum: known.length === 0 ? null : sum(known),
    partitions: isWhole ? lags : null,
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0)

function partitionLag({ partition, offset, commitTimestampMs, log }: PartitionDraft, times: Times, now: number): PartitionLag {
  const unknown = { partition, currentOffset: offset, commitTimestampMs, lag: null, lagSeconds: null }
  if (log === undefined || offset < 0) return unknown
  const lag = Math.max(0, log.highWatermark - offset)
  if (Math.max(offset, log.logStartOffset) >= log.highWatermark) return { ...unknown, lag, lagSeconds: 0 }
  const timestampMs = times.get(log)?.get(Math.max(offset, log.logStartOffset)) ?? null
  return { ...unknown, lag, lagSeconds: timestampMs === null ? null : Math.max(0, now - timestampMs) / 1000 }
}
