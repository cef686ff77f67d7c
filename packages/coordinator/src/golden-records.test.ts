// Records as Apache Kafka 4.3.1 wrote them: one by one, in every version, and in the logs of __consumer_offsets that a broker left behind.
import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { batchesIn, coordinatorRecords, ManualClock } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { type CoordinatorRecord, encodeRecord, RecordDecoder } from './record.ts'
import { CoordinatorRuntime } from './runtime.ts'
import { MemoryLog, silentLogger } from './runtime-testing.ts'
import type { CoordinatorState, TransactionalProducer } from './state.ts'

interface Vector {
  readonly message: string
  readonly version: number
  readonly kind: string
  readonly json: unknown
  readonly storedHex?: string
}

const vectors: Vector[] = gunzipSync(readFileSync(new URL('../../protocol/fixtures/messages.jsonl.gz', import.meta.url)))
  .toString()
  .split('\n')
  .filter(line => line.includes('storedHex'))
  .map((line): Vector => JSON.parse(line))

const types = coordinatorRecords.filter(({ topic }) => topic === '__consumer_offsets')
const decoder = new RecordDecoder('__consumer_offsets')

/** Integers that no number of ours holds; they become the nearest one that does. */
const hasHugeInteger = (json: unknown): boolean => /"-?\d{16,}"/.test(JSON.stringify(json))
/** What nobody knows is read past and not written again. */
const isExact = ({ kind, json }: Vector): boolean => kind !== 'unknownTags' && !hasHugeInteger(json)

describe('records one by one', () => {
  it.each(types.map(type => [type.key.name, type] as const))('%s', (_name, type) => {
    const keys = vectors.filter(({ message }) => message === type.key.name)
    const values = vectors.filter(({ message }) => message === type.value.name)
    const [anyKey] = keys
    expect(keys.length).toBeGreaterThan(0)
    expect(values.length).toBeGreaterThan(0)
    for (const { storedHex = '' } of keys) {
      const record = decoder.decode(Buffer.from(storedHex, 'hex'), null)
      expect(record).toMatchObject({ type, value: null })
      if (record !== null) expect(encodeRecord(record)).toEqual({ key: Buffer.from(storedHex, 'hex'), value: null })
    }
    for (const vector of values) {
      const bytes = Buffer.from(vector.storedHex ?? '', 'hex')
      const record = decoder.decode(Buffer.from(anyKey?.storedHex ?? '', 'hex'), bytes)
      expect(record, `${vector.kind} ${vector.version}`).toMatchObject({ type, valueVersion: vector.version })
      if (record !== null && isExact(vector)) expect(encodeRecord(record).value, `${vector.kind} ${vector.version}`).toEqual(bytes)
    }
  })
})

/** What was replayed, in order; the end of a transaction by its producer's id. */
type Replayed =
  | { readonly record: CoordinatorRecord; readonly producerId: number }
  | { readonly ended: string; readonly producerId: number }

/** Notes what is replayed. */
class RecordingState implements CoordinatorState {
  readonly replayed: Replayed[] = []
  isLoaded = false

  replay(record: CoordinatorRecord, _offset: number, producer: TransactionalProducer | null): void {
    this.replayed.push({ record, producerId: producer?.id ?? -1 })
  }

  endTransaction({ id }: TransactionalProducer, committed: boolean): void {
    this.replayed.push({ ended: committed ? 'COMMIT' : 'ABORT', producerId: id })
  }

  loaded(): void {
    this.isLoaded = true
  }

  unloaded(): void {
    this.isLoaded = false
  }
}

type Fields = Readonly<Record<string, unknown>>
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Ours in the form of the golden files, with no more than the fields that those name. */
const inFormOf = (golden: unknown, ours: unknown): unknown => {
  if (Buffer.isBuffer(ours)) return ours.toString('base64')
  if (Array.isArray(golden) && Array.isArray(ours))
    return ours.map((one: unknown, at) => (at < golden.length ? inFormOf(golden[at], one) : one))
  if (isFields(golden) && isFields(ours)) {
    const fields = Object.keys(golden).map(name => [name, inFormOf(golden[name], ours[name])] as const)
    return Object.fromEntries(fields)
  }
  const isHuge = typeof golden === 'string' && typeof ours === 'number'
  return isHuge && Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(golden))) === ours ? golden : ours
}

interface GoldenRecord {
  readonly decoded?: { readonly type: number; readonly key: unknown; readonly valueVersion?: number; readonly value: unknown }
  readonly control?: { readonly type: string }
}

interface GoldenBatch {
  readonly producerId: number
  readonly records: readonly GoldenRecord[]
}

const folder = new URL('../../storage/fixtures/log/', import.meta.url)
const partitions = readdirSync(new URL('data', folder)).filter(name => name.startsWith('__consumer_offsets-'))

describe('logs that a Kafka broker left behind', () => {
  it('are there', () => expect(partitions.length).toBeGreaterThan(3))

  it.each(partitions)('%s', async name => {
    const content: Record<string, readonly GoldenBatch[]> = JSON.parse(readFileSync(new URL(`data-json/${name}.json`, folder), 'utf8'))
    const segments = readdirSync(new URL(`data/${name}`, folder)).filter(file => file.endsWith('.log'))
    const log = new MemoryLog()
    const golden: (GoldenRecord & { readonly producerId: number })[] = []
    for (const segment of segments) {
      for (const batch of batchesIn(readFileSync(new URL(`data/${name}/${segment}`, folder)))) {
        log.batches.push(batch.bytes)
        log.endOffset = batch.nextOffset
      }
      for (const { records, producerId } of content[segment] ?? []) golden.push(...records.map(record => ({ ...record, producerId })))
    }
    const states: RecordingState[] = []
    const create = (): RecordingState => {
      const state = new RecordingState()
      states.push(state)
      return state
    }
    const runtime = new CoordinatorRuntime({ topic: '__consumer_offsets', clock: new ManualClock(), logger: silentLogger, create })
    runtime.lead(0, 1, log)
    await runtime.loaded(0)
    const [state] = states
    expect(state?.isLoaded).toBe(true)
    expect(golden.length).toBeGreaterThan(0)
    expect(state?.replayed.length).toBe(golden.length)
    for (const [at, { control, decoded, producerId }] of golden.entries()) {
      const ours = state?.replayed[at]
      expect(ours?.producerId).toBe(producerId)
      if (decoded === undefined || ours === undefined || !('record' in ours)) {
        expect(ours).toEqual({ ended: control?.type, producerId })
        continue
      }
      const { type, key, value, valueVersion } = ours.record
      expect({ type: type.type, key: inFormOf(decoded.key, key), value: inFormOf(decoded.value, value) }, `record ${at}`).toEqual({
        type: decoded.type,
        key: decoded.key,
        value: decoded.value,
      })
      if (decoded.value !== null) expect(valueVersion).toBe(decoded.valueVersion)
    }
    runtime.close()
  })
})
