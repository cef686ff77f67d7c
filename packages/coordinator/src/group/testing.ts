// Aids for tests of whatever lives in a GroupWorld: a clock that stands still until it is told, topics and settings that tests change at will, and
// a small runtime that writes, replays and commits decisions at once, or when the test says so.

import { Buffer } from 'node:buffer'
import { type Clock, type KafkaError, type Logger, seededRandom, type Timer } from '@ottla/protocol'
import type { Decision } from '../decision.ts'
import { type CoordinatorRecord, encodeRecord, RecordDecoder } from '../record.ts'
import type { Timers } from '../timers.ts'
import type { GroupSettings, GroupWorld, Rebalance, TopicFacts, Topics } from './world.ts'

interface Due {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** Stands still until `advance`; what falls due then runs in order, each at its own time. */
export class TestClock implements Clock, Timers {
  #time = 0
  #wallOffset = 1_700_000_000_000
  #order = 0
  #unnamed = 0
  readonly #due = new Map<string, Due>()
  /** Takes what a timer decides. */
  decide: (decision: Decision<void>) => void = () => {}

  now(): number {
    return this.#wallOffset + this.#time
  }

  /** Sets the wall clock, and nothing else. */
  jump(byMs: number): void {
    this.#wallOffset += byMs
  }

  monotonic(): number {
    return this.#time
  }

  after(delayMs: number, run: () => void): Timer {
    const key = `unnamed ${this.#unnamed++}`
    this.#set(key, delayMs, run)
    return { cancel: () => this.cancel(key) }
  }

  set(key: string, delayMs: number, expired: () => Decision<void>): void {
    this.#set(key, delayMs, () => this.decide(expired()))
  }

  cancel(key: string): void {
    this.#due.delete(key)
  }

  has(key: string): boolean {
    return this.#due.has(key)
  }

  /** Names of what is set. */
  keys(): string[] {
    return [...this.#due.keys()]
  }

  /** Milliseconds until something falls due; null when nothing is set. */
  untilNextMs(): number | null {
    let next: number | null = null
    for (const { at } of this.#due.values()) if (next === null || at < next) next = at
    return next === null ? null : Math.max(0, next - this.#time)
  }

  advance(ms: number): void {
    const end = this.#time + ms
    for (;;) {
      let first: string | null = null
      let found: Due | null = null
      for (const [key, due] of this.#due) {
        if (due.at > end || (found !== null && (due.at - found.at || due.order - found.order) > 0)) continue
        first = key
        found = due
      }
      if (first === null || found === null) break
      this.#due.delete(first)
      this.#time = Math.max(this.#time, found.at)
      found.run()
    }
    this.#time = end
  }

  #set(key: string, delayMs: number, run: () => void): void {
    this.#due.set(key, { at: this.#time + Math.max(0, delayMs), order: this.#order++, run })
  }
}

/** Topics that tests make and take away. */
export class TestTopics implements Topics {
  revision = 0
  #made = 0
  readonly #topics = new Map<string, TopicFacts>()

  /** Makes a topic, or gives it this many partitions; racks by partition, none by default. */
  add(name: string, partitionCount: number, racks: readonly (readonly string[])[] = []): TopicFacts {
    this.revision++
    const id = this.#topics.get(name)?.id ?? this.#nextId()
    const topic: TopicFacts = { id, name, partitionCount, racksOf: partition => new Set(racks[partition] ?? []) }
    this.#topics.set(name, topic)
    return topic
  }

  remove(name: string): void {
    this.revision++
    this.#topics.delete(name)
  }

  topic(name: string): TopicFacts | undefined {
    return this.#topics.get(name)
  }

  topicById(id: string): TopicFacts | undefined {
    for (const topic of this.#topics.values()) if (topic.id === id) return topic
    return undefined
  }

  names(): Iterable<string> {
    return this.#topics.keys()
  }

  #nextId(): string {
    const bytes = Buffer.alloc(16)
    bytes.writeUInt32BE(++this.#made, 0)
    return bytes.toString('base64url')
  }
}

/** Settings that a test may change. */
export type TestSettings = { -readonly [Name in keyof GroupSettings]: GroupSettings[Name] }

/** Kafka's defaults, but that the first rebalance of a group waits for nobody. */
export const testSettings = (changes: Partial<GroupSettings> = {}): TestSettings => ({
  groupMinSessionTimeoutMs: 6_000,
  groupMaxSessionTimeoutMs: 1_800_000,
  groupInitialRebalanceDelayMs: 0,
  groupMaxSize: 2_147_483_647,
  offsetMetadataMaxBytes: 4_096,
  offsetsRetentionMinutes: 10_080,
  offsetsRetentionCheckIntervalMs: 600_000,
  groupConsumerMaxSize: 2_147_483_647,
  groupConsumerAssignors: ['uniform', 'range'],
  groupConsumerMigrationPolicy: 'bidirectional',
  groupConsumerRegexRefreshIntervalMs: 600_000,
  consumerSessionTimeoutMs: () => 45_000,
  consumerHeartbeatIntervalMs: () => 5_000,
  consumerAssignmentIntervalMs: () => 0,
  ...changes,
})

/** A line of the log. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: object
  readonly message: string
}

const recordingLogger = (lines: LogLine[]): Logger => {
  const logger: Logger = {
    debug: (fields, message) => void lines.push({ level: 'debug', fields, message }),
    info: (fields, message) => void lines.push({ level: 'info', fields, message }),
    warn: (fields, message) => void lines.push({ level: 'warn', fields, message }),
    error: (fields, message) => void lines.push({ level: 'error', fields, message }),
    child: () => logger,
  }
  return logger
}

/** A log whose records are committed at once, unless it is told to hold them. */
export class TestLog {
  /** All that was written, as it would be read back. */
  readonly records: CoordinatorRecord[] = []
  /** Takes each written record, as the state machine under test does. */
  replay: (record: CoordinatorRecord, offset: number) => void = () => {}
  readonly #decoder = new RecordDecoder('__consumer_offsets')
  readonly #held: ((error: KafkaError | null) => void)[] = []
  #holds = false

  /** Commits nothing until `commit` or `fail`. */
  hold(): void {
    this.#holds = true
  }

  /** Commits all that is held, and from now on at once. */
  commit(): void {
    this.#holds = false
    for (const settle of this.#held.splice(0)) settle(null)
  }

  /** What is held will never be committed. Replayed records are not taken back. */
  fail(error: KafkaError): void {
    this.#holds = false
    for (const settle of this.#held.splice(0)) settle(error)
  }

  /** Number of decisions that wait for their commit. */
  get held(): number {
    return this.#held.length
  }

  /** Writes what was decided; the reply comes once it is committed. */
  decide<R>(decision: Decision<R>): Promise<R> {
    for (const record of decision.records) {
      const { key, value } = encodeRecord(record)
      const read = this.#decoder.decode(key, value)
      if (read === null) throw new Error(`no record of type ${record.type.type}`)
      const offset = this.records.push(read) - 1
      if (decision.replays !== false) this.replay(read, offset)
    }
    if (!this.#holds) {
      decision.settled?.(null)
      return Promise.resolve(decision.reply)
    }
    return new Promise((resolve, reject) => {
      this.#held.push(error => {
        decision.settled?.(error)
        if (error === null || decision.records.length === 0) resolve(decision.reply)
        else reject(error)
      })
    })
  }
}

/** A world for tests and all that moves it. */
export interface TestWorld {
  readonly world: GroupWorld
  readonly clock: TestClock
  readonly topics: TestTopics
  readonly settings: TestSettings
  readonly rebalances: Rebalance[]
  readonly lines: LogLine[]
  readonly log: TestLog
  /** Does with a decision what the runtime would. */
  readonly decide: <R>(decision: Decision<R>) => Promise<R>
}

/** Makes a world. Set `log.replay` to have what is decided replayed. */
export const testWorld = (options: { readonly settings?: Partial<GroupSettings>; readonly seed?: number } = {}): TestWorld => {
  const clock = new TestClock()
  const topics = new TestTopics()
  const settings = testSettings(options.settings)
  const rebalances: Rebalance[] = []
  const lines: LogLine[] = []
  const log = new TestLog()
  const decide = <R>(decision: Decision<R>): Promise<R> => log.decide(decision)
  clock.decide = decision => {
    decide(decision).catch(() => {})
  }
  const world: GroupWorld = {
    clock,
    random: seededRandom(options.seed ?? 1),
    logger: recordingLogger(lines),
    timers: clock,
    topics,
    settings,
    observer: { rebalanced: rebalance => void rebalances.push(rebalance) },
  }
  return { world, clock, topics, settings, rebalances, lines, log, decide }
}

/** What a promise has come to by now; undefined while it is open. */
export const outcomeOf = async <R>(promise: Promise<R>): Promise<R | undefined> => {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve()
  return Promise.race([promise, Promise.resolve(undefined)])
}
