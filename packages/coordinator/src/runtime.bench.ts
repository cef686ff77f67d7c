// A partition of a million commits is loaded, and commits are decided on, written and answered.
import { BatchBuilder, seededRandom } from '@ottla/protocol'
import { bench, describe } from 'vitest'
import { GroupPartitionState } from './group/group-state.ts'
import type { GroupSettings } from './group/world.ts'
import { encodeRecord } from './record.ts'
import { MemoryLog, offsetRecord, silentLogger } from './runtime-testing.ts'
import { CoordinatorRuntime } from './runtime.ts'

const RECORDS = 1_000_000
const PER_BATCH = 100

const clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs: number, run: () => void) {
    const timeout = setTimeout(run, delayMs).unref()
    return { cancel: () => clearTimeout(timeout) }
  },
}
const settings: GroupSettings = {
  groupMinSessionTimeoutMs: 6000,
  groupMaxSessionTimeoutMs: 1_800_000,
  groupInitialRebalanceDelayMs: 3000,
  groupMaxSize: 2 ** 31 - 1,
  offsetMetadataMaxBytes: 4096,
  offsetsRetentionMinutes: 10_080,
  offsetsRetentionCheckIntervalMs: 600_000,
  groupConsumerMaxSize: 2 ** 31 - 1,
  groupConsumerAssignors: ['uniform', 'range'],
  groupConsumerMigrationPolicy: 'bidirectional',
  groupConsumerRegexRefreshIntervalMs: 600_000,
  consumerSessionTimeoutMs: () => 45_000,
  consumerHeartbeatIntervalMs: () => 5000,
  consumerAssignmentIntervalMs: () => 1000,
}
const topics = { revision: 1, topic: () => undefined, topicById: () => undefined, names: () => [] }
const runtimeOf = () =>
  new CoordinatorRuntime({
    topic: '__consumer_offsets',
    clock,
    logger: silentLogger,
    create: (_partition, timers) =>
      new GroupPartitionState({
        clock,
        random: seededRandom(1),
        logger: silentLogger,
        timers,
        topics,
        settings,
        observer: { rebalanced: () => undefined },
      }),
  })

const fill = (log: MemoryLog, groups: number): void => {
  for (let at = 0; at < RECORDS; at += PER_BATCH) {
    const builder = new BatchBuilder()
    for (let one = at; one < at + PER_BATCH; one++) builder.append(encodeRecord(offsetRecord(`group-${one % groups}`, one % 50, one)))
    log.append(builder.build())
  }
  log.committedOffset = log.endOffset
}

describe(`${RECORDS} commits`, () => {
  const log = new MemoryLog()
  log.maxBatchBytes = 1_000_000
  let longestHoldMs = 0
  bench(
    'loaded',
    async () => {
      const runtime = runtimeOf()
      let before = performance.now()
      let isLoading = true
      const look = (): void => {
        longestHoldMs = Math.max(longestHoldMs, performance.now() - before)
        before = performance.now()
        if (isLoading) setImmediate(look)
      }
      look()
      runtime.lead(0, 1, log)
      await runtime.loaded(0)
      isLoading = false
      runtime.close()
    },
    {
      iterations: 3,
      time: 0,
      warmupIterations: 0,
      warmupTime: 0,
      setup: () => {
        if (log.endOffset === 0) fill(log, 20_000)
      },
      teardown: () => console.log(`the event loop was held for ${longestHoldMs.toFixed(1)} ms at most`),
    },
  )
})

describe('1,000 decisions', async () => {
  const log = new MemoryLog()
  const runtime = runtimeOf()
  runtime.lead(0, 1, log)
  await runtime.loaded(0)
  bench('written, replayed and answered', async () => {
    const replies: unknown[] = []
    for (let one = 0; one < 1000; one++)
      replies.push(runtime.run(0, () => ({ records: [offsetRecord('group', one % 50, one)], reply: one })))
    log.commit()
    log.batches = []
    await Promise.all(replies)
  })
})
