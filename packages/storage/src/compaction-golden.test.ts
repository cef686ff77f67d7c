// Compaction beside that of Apache Kafka 4.3.1. What went into the compacted samples is known (the program that made them is; offsets,
// times and ids are those that the samples show), so the same is written here, compacted at the same times, and compared: every batch
// that is left, byte for byte where no compressor is between.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { batchesIn, ManualClock, type RecordBatch, recordsOf } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { CompactedLog, type KeyValue } from './compaction-testing.ts'

const fixtures = fileURLToPath(new URL('../fixtures/log/data/', import.meta.url))

/** The batches of a sample's segments. */
const golden = (partition: string): RecordBatch[] =>
  readdirSync(fixtures + partition)
    .filter(name => name.endsWith('.log'))
    .toSorted()
    .flatMap(name => [...batchesIn(readFileSync(`${fixtures}${partition}/${name}`))])

const seen = (batch: RecordBatch) => ({
  offsets: [batch.baseOffset, batch.lastOffset],
  producer: [batch.producerId, batch.producerEpoch, batch.baseSequence],
  attributes: batch.attributes,
  times: [batch.baseTimestamp, batch.maxTimestamp],
  epoch: batch.partitionLeaderEpoch,
  records: [...recordsOf(batch)].map(({ offset, timestamp, key, value }) => [offset, timestamp, String(key), value && String(value)]),
  bytes: batch.isCompressed ? '' : batch.bytes.toString('hex'),
})

interface Sample {
  readonly partition: string
  readonly plainId: number
  readonly transactionalId: number
  /** Time before the first record, and before those of each later part. */
  readonly times: readonly number[]
  /** Ids of the producers of the later parts. */
  readonly laterIds: readonly number[]
  /** Where segments began. */
  readonly rolls: readonly number[]
  /** Wall-clock times of the passes, one after each part. */
  readonly passes: readonly number[]
  readonly deleteRetentionMs: number
}

class Rewriting {
  readonly test: CompactedLog
  readonly sample: Sample
  /** Markers that are left, by offset; those that are gone came at once. */
  readonly markers: ReadonlyMap<number, RecordBatch>
  #time = 0

  constructor(test: CompactedLog, sample: Sample) {
    this.test = test
    this.sample = sample
    const markers = golden(sample.partition).filter(batch => batch.isControl)
    this.markers = new Map(markers.map(batch => [batch.producerEpoch, batch]))
  }

  append(records: readonly KeyValue[], init: object): void {
    const { log } = this.test
    if (this.sample.rolls.includes(log.logEndOffset)) this.test.roll()
    this.test.append(records, { ...init, timestamps: records.map(() => (this.#time += 10)) })
  }

  /** Twelve rounds of ten keys, some of them tombstones, and of a small transaction; then the filler. */
  first(): void {
    const { plainId, times, transactionalId } = this.sample
    this.#time = times[0] ?? 0
    let baseSequence = 0
    let ended = -1
    const endBefore = (round: number): void => {
      if (round <= ended || round < 0) return
      ended = round
      const marker = this.markers.get(round + 1)
      if (this.sample.rolls.includes(this.test.log.logEndOffset)) this.test.roll()
      const timestamp = marker?.maxTimestamp ?? this.test.clock.now()
      this.test.end(transactionalId, round % 3 !== 1, { producerEpoch: round + 1, timestamp })
    }
    const isDue = (round: number): boolean => (this.markers.get(round + 1)?.baseOffset ?? 0) <= this.test.log.logEndOffset
    for (let round = 0; round < 12; round++) {
      const records = Array.from({ length: 10 }, (_, k): KeyValue => {
        return [`k${k}`, round > 6 && k % 3 === 0 ? null : `round-${round}-${'y'.repeat(k * 8)}`]
      })
      this.append(records, { compression: 'zstd', producerId: plainId, producerEpoch: 0, baseSequence })
      baseSequence += 10
      endBefore(round - 1)
      const transaction = { producerId: transactionalId, producerEpoch: round, isTransactional: true }
      this.append([[`t${round % 4}`, `value-${round}`]], { ...transaction, baseSequence: 0 })
      this.append([['k1', `value-${round}`]], { ...transaction, baseSequence: 1 })
      if (isDue(round)) endBefore(round)
    }
    const filler = Array.from({ length: 40 }, (_, index): KeyValue => [`filler-${index % 4}`, 'z'.repeat(150) + String(index)])
    this.append(filler, { compression: 'zstd', producerId: plainId, producerEpoch: 0, baseSequence })
    endBefore(11)
  }

  /** Sixty records in batches of ten, after a restart: producers that were silent for too long are forgotten. */
  later(part: number): void {
    const producerId = this.sample.laterIds[part] ?? 0
    this.#time = this.sample.times[part + 1] ?? 0
    if (part === 0) this.test.log.producers.removeExpired(this.test.clock.now())
    for (let base = 0; base < 60; base += 10) {
      const records = Array.from({ length: 10 }, (_, index): KeyValue => {
        return [`filler-${(base + index) % 5}`, `after-restart-${base + index}-${'x'.repeat(60)}`]
      })
      this.append(records, { producerId, producerEpoch: 0, baseSequence: base, leaderEpoch: 2 })
    }
  }

  async compactAt(time: number | undefined): Promise<void> {
    const { log, clock, config } = this.test
    clock.jump((time ?? 0) - clock.now())
    log.config = { ...config, segmentBytes: 4000 }
    await this.test.compact()
    log.config = config
  }
}

const samples: readonly Sample[] = [
  {
    partition: 'golden-compact-0',
    plainId: 18,
    transactionalId: 19,
    times: [1_700_000_006_400, 1_700_000_010_180],
    laterIds: [1005],
    rolls: [139, 216, 246],
    passes: [1_795_241_100_000, 1_795_241_134_285],
    deleteRetentionMs: 86_400_000,
  },
  {
    partition: 'golden-compact-drop-0',
    plainId: 20,
    transactionalId: 21,
    times: [1_700_000_008_240, 1_700_000_010_780, 1_700_000_011_380],
    laterIds: [1006, 1007],
    rolls: [130, 226, 256, 286],
    passes: [1_795_241_100_000, 1_795_241_139_084, 1_795_241_142_670],
    deleteRetentionMs: 0,
  },
]

describe('compaction leaves what that of Kafka leaves', () => {
  it.each(samples)('$partition', async sample => {
    const { deleteRetentionMs, partition, passes } = sample
    const config = { segmentBytes: 100_000, deleteRetentionMs }
    const test = await CompactedLog.open({ clock: new ManualClock(passes[0]), config })
    const rewriting = new Rewriting(test, sample)
    rewriting.first()
    await rewriting.compactAt(passes[0])
    for (const [part, time] of passes.slice(1).entries()) {
      rewriting.later(part)
      await rewriting.compactAt(time)
    }
    expect((await test.batches()).map(seen)).toEqual(golden(partition).map(seen))
    expect(test.log.segments.map(segment => segment.baseOffset).toSorted((a, b) => a - b)).toEqual(
      readdirSync(fixtures + partition)
        .filter(name => name.endsWith('.log'))
        .map(name => Number.parseInt(name, 10))
        .toSorted((a, b) => a - b),
    )
    await test.manager.close()
    // Positions behind a compressed batch are another compressor's.
    const names = partition === 'golden-compact-0' ? ['0.index', '0.timeindex', '139.timeindex', '139.txnindex'] : ['0.timeindex']
    for (const name of names) {
      const file = name.padStart(20 + name.length - name.indexOf('.'), '0')
      const made = test.disk.readFileSync(`/logs/c-0/${file}`).toString('hex')
      expect([name, made]).toEqual([name, readFileSync(`${fixtures}${partition}/${file}`).toString('hex')])
    }
    expect(test.disk.readFileSync('/logs/c-0/leader-epoch-checkpoint').toString()).toBe(
      readFileSync(`${fixtures}${partition}/leader-epoch-checkpoint`, 'utf8'),
    )
  })
})
