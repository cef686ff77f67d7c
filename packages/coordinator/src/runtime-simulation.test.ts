// Random lives of a partition: decisions, questions, commits, refused and lost appends, changes of leadership; beside a model of what is
// committed.
import { ErrorCode, KafkaError, ManualClock, RecordBatch, seededRandom } from '@ottla/protocol'
import { expect, it } from 'vitest'
import { answered } from './decision.ts'
import { CoordinatorRuntime } from './runtime.ts'
import { groupRecord, MemoryLog, NotingState, silentLogger } from './runtime-testing.ts'

const nextTurn = () => new Promise(resolve => setImmediate(resolve))

class Run {
  readonly random
  readonly log = new MemoryLog()
  readonly clock = new ManualClock()
  readonly runtime = new CoordinatorRuntime<NotingState>({
    topic: '__consumer_offsets',
    clock: this.clock,
    logger: silentLogger,
    create: () => new NotingState(),
  })
  /** Protocol type by group, for each end of the log. */
  readonly history: ReadonlyMap<string, string>[] = [new Map()]
  readonly pending = new Set<Promise<void>>()
  serial = 0
  leaderEpoch = 1
  answers = 0
  failures = 0

  constructor(seed: number) {
    this.random = seededRandom(seed)
    this.runtime.lead(0, 1, this.log)
  }

  below(limit: number): number {
    return Math.floor(this.random.next() * limit)
  }

  async step(): Promise<void> {
    const kind = this.below(26)
    if (kind < 8) this.decide()
    else if (kind < 12) this.ask()
    else if (kind < 15) this.commit()
    else if (kind < 16) this.log.refusal = new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)
    else if (kind < 17) this.lose()
    else if (kind < 18) this.lead()
    else await nextTurn()
  }

  decide(): void {
    const before = this.log.endOffset
    const count = 1 + this.below(3)
    const records = Array.from({ length: count }, () => groupRecord(`g${this.below(4)}`, `${this.serial++}`))
    this.expectAnswer(
      () => this.runtime.run(0, () => ({ records, reply: before + count })),
      end => expect(this.log.committedOffset).toBeGreaterThanOrEqual(end),
    )
    if (this.log.endOffset === before) return
    for (const { key, value } of records)
      this.history.push(new Map([...(this.history.at(-1) ?? []), [String(key.group), String(value?.protocolType)]]))
  }

  ask(): void {
    const end = this.log.endOffset
    this.expectAnswer(
      () => this.runtime.run(0, state => answered(new Map(state.groups))),
      groups => {
        expect(this.log.committedOffset).toBeGreaterThanOrEqual(end)
        expect(groups).toEqual(this.history[end])
      },
    )
  }

  /** Whole batches, as a log does. */
  commit(): void {
    const { committedOffset } = this.log
    const ends = this.log.batches.map(bytes => new RecordBatch(bytes).nextOffset).filter(end => end > committedOffset)
    this.log.commit(ends[this.below(ends.length + 1)] ?? committedOffset)
  }

  /** What is appended and not committed is gone. */
  lose(): void {
    this.history.length = this.log.committedOffset + 1
    this.log.fail(new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR))
  }

  /** A new leader of another epoch may find what the last one could not commit, or not. */
  lead(): void {
    if (this.below(2) === 0) this.lose()
    this.runtime.lead(0, ++this.leaderEpoch, this.log)
  }

  expectAnswer<R>(run: () => R | Promise<R>, check: (answer: R) => void): void {
    const failed = (error: unknown): void => {
      this.failures++
      if (!(error instanceof KafkaError)) throw error
      expect([ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS]).toContain(error.code)
    }
    const answer = (value: R): void => {
      this.answers++
      check(value)
    }
    try {
      const outcome = run()
      if (outcome instanceof Promise) this.pending.add(outcome.then(answer, failed))
      else answer(outcome)
    } catch (error) {
      failed(error)
    }
  }
}

it('answers what is committed, and nothing else', async () => {
  const first = Number(process.env.FUZZ_SEED)
  const count = 15 * Number(process.env.SIMULATION_TIMES)
  let answers = 0
  let failures = 0
  for (let seed = first; seed < first + count; seed++) {
    const run = new Run(seed)
    try {
      for (let step = 0; step < 300; step++) await run.step()
      run.log.commit()
      await run.runtime.loaded(0)
      run.log.refusal = null
      run.log.commit()
      run.ask()
      await Promise.all(run.pending)
      expect(run.runtime.run(0, state => answered(new Map(state.groups)))).toEqual(run.history.at(-1))
    } catch (error) {
      throw new Error(`seed ${seed}: ${String(error)}`, { cause: error })
    }
    answers += run.answers
    failures += run.failures
  }
  expect(answers).toBeGreaterThan(17 * count)
  expect(failures).toBeGreaterThan(17 * count)
})
