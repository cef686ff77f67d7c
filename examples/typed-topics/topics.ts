// What topics hold, once for all programs: the types of messages follow from it, and every message is checked by it, on its way out and on its way in.
import type { StandardSchema } from '@ottla/client'

/** A measurement, as the topic `temperatures` holds it. */
export interface Temperature {
  readonly celsius: number
  readonly at: Date
}

/** Text, where messages would have bytes. */
const text = {
  serialize: (data: string): string => data,
  deserialize: (data: Buffer | null): string => data?.toString() ?? '',
}

/** A codec says how a value is written and how it is read; here in ten bytes, for who has many of them. */
const temperature = {
  serialize({ celsius, at }: Temperature): Buffer {
    const bytes = Buffer.alloc(10)
    bytes.writeInt16BE(Math.round(celsius * 10))
    bytes.writeBigInt64BE(BigInt(at.getTime()), 2)
    return bytes
  },
  deserialize(data: Buffer | null): Temperature {
    if (data?.length !== 10) throw new TypeError(`expected 10 bytes, not ${data?.length ?? 0}`)
    return { celsius: data.readInt16BE() / 10, at: new Date(Number(data.readBigInt64BE(2))) }
  },
}

/** Somebody is to look after a room. */
export interface Alarm {
  readonly reason: 'hot' | 'cold'
  readonly celsius: number
}

/** Any Standard Schema will do for JSON: `z.object({ ... })` of zod, or of valibot or arktype, or one by hand as here. */
const alarm: StandardSchema<Alarm> = {
  '~standard': {
    version: 1,
    vendor: 'example',
    validate(value) {
      if (typeof value !== 'object' || value === null) return { issues: [{ message: 'expected an object' }] }
      const { reason, celsius } = value as Partial<Record<string, unknown>>
      if (reason !== 'hot' && reason !== 'cold') return { issues: [{ message: 'expected hot or cold', path: ['reason'] }] }
      if (typeof celsius !== 'number') return { issues: [{ message: 'expected a number', path: ['celsius'] }] }
      return { value: { reason, celsius } }
    },
  },
}

/** Topics and what they hold. */
export const topics = {
  temperatures: { key: text, value: temperature },
  alarms: { key: text, value: alarm },
} as const
