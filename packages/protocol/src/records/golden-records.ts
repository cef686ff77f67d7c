// Test support: the record batches that Kafka's own classes wrote, with what Kafka reads from them.

import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** A 64-bit number in the vectors: text where it is beyond the safe integers. */
export type GoldenInt64 = number | string

/** A batch as Kafka reads it. */
export interface GoldenBatch {
  readonly baseOffset: GoldenInt64
  readonly lastOffset: GoldenInt64
  readonly position: number
  readonly sizeInBytes: number
  readonly magic: number
  readonly crc: number
  readonly compression: string
  readonly timestampType: string
  readonly baseTimestamp?: GoldenInt64
  readonly maxTimestamp: GoldenInt64
  readonly producerId: GoldenInt64
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly lastSequence: number
  readonly isTransactional: boolean
  readonly isControl: boolean
  readonly partitionLeaderEpoch: number
  readonly count?: number
  readonly deleteHorizonMs?: number
  readonly records: readonly GoldenRecord[]
}

/** A record as Kafka reads it; large keys and values as length and SHA-256. */
export interface GoldenRecord {
  readonly offset: GoldenInt64
  readonly timestamp: GoldenInt64
  readonly key?: string | null
  readonly value?: string | null
  readonly valueLength?: number
  readonly valueSha256?: string
  readonly headers: readonly (readonly [string, string | null])[]
  readonly control?: { readonly type: string; readonly coordinatorEpoch?: number }
}

/** Bytes and the batches in them. */
export interface GoldenBatches {
  readonly name: string
  readonly base64: string
  readonly batches: readonly GoldenBatch[]
}

/** Damaged bytes and how far a reader of Kafka's came. */
export interface GoldenDamage {
  readonly name: string
  readonly base64: string
  readonly read: {
    readonly stage?: 'batches' | 'ensureValid' | 'records'
    readonly exception?: string
    readonly batches: number
    readonly records: number
  }
}

/** What a broker of Kafka's answered when the bytes were produced. */
export interface GoldenAnswer {
  readonly file: 'v2' | 'legacy' | 'corrupt'
  readonly name: string
  readonly answer: string
  readonly hasErrorMessage: boolean
}

const lines = <T>(name: string): T[] =>
  gunzipSync(readFileSync(new URL(`../../fixtures/records/${name}.jsonl.gz`, import.meta.url)))
    .toString()
    .trim()
    .split('\n')
    .map((line): T => JSON.parse(line))

/** Batches of magic 2, or of magic 0 and 1. */
export const goldenBatches = (file: 'v2' | 'legacy'): GoldenBatches[] => lines(file)
/** Damaged bytes. */
export const goldenDamage = (): GoldenDamage[] => lines('corrupt')
/** What a broker answered. */
export const goldenAnswers = (): GoldenAnswer[] => lines('produced')
/** A 64-bit number as our readers give it: clamped to the safe integers. */
export const clamped = (value: GoldenInt64): number => Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(value)))
