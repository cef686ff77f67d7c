// Test support: the messages that Kafka's own classes wrote, and the turning of their JSON form into our objects.
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { apis } from './apis/index.ts'
import type { ExactCodec } from './codec.ts'
import { requestCodec, responseCodec, storedCodec } from './codec.ts'
import type { Int64Mode } from './codec-plan.ts'
import { isNullable } from './codec-plan.ts'
import type { Shape, Spec } from './schema.ts'
import { within } from './schema.ts'
import { coordinatorRecords, storedMessages } from './stored/all.ts'

type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

/** One vector. `unknownTags` lists tagged fields that nobody knows. */
export interface Vector {
  readonly message: string
  readonly version: number
  readonly kind: string
  readonly hex: string
  readonly storedHex?: string
  readonly json: { [name: string]: Json }
  readonly unknownTags?: readonly { readonly tag: number; readonly hex: string }[]
}

/** Every vector of the messages that this package defines. */
export function goldenVectors(): Vector[] {
  const text = gunzipSync(readFileSync(new URL('../fixtures/messages.jsonl.gz', import.meta.url))).toString()
  const vectors: Vector[] = []
  for (const line of text.split('\n')) if (line !== '') vectors.push(JSON.parse(line))
  return vectors
}

/** A message by the name that vectors give it. */
export interface NamedMessage {
  readonly shape: Shape
  readonly exact: (version: number) => ExactCodec
  readonly plain: (version: number) => ExactCodec
}

/** All messages by the names that vectors give them. */
export function namedMessages(): Map<string, NamedMessage> {
  const all = new Map<string, NamedMessage>()
  const exactly = { int64: 'bigint' } as const
  for (const api of apis) {
    all.set(`${api.name}Request`, {
      shape: api.request,
      exact: version => requestCodec(api, version, exactly),
      plain: version => requestCodec(api, version),
    })
    all.set(`${api.name}Response`, {
      shape: api.response,
      exact: version => responseCodec(api, version, exactly),
      plain: version => responseCodec(api, version),
    })
  }
  for (const type of [...storedMessages, ...coordinatorRecords.flatMap(({ key, value }) => [key, value])]) {
    all.set(type.name, {
      shape: type.fields,
      exact: version => storedCodec(type, version, exactly),
      plain: version => storedCodec(type, version),
    })
  }
  return all
}

/** How to turn JSON into an object. */
export interface FromJson {
  readonly version: number
  readonly mode: Int64Mode
}

/** The object that reading a message should give, from the JSON of Kafka's converters; throws for a name that the schema lacks. */
export function fromJson(shape: Shape, json: { [name: string]: Json }, how: FromJson): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  for (const name of Object.keys(json)) if (!(name in shape)) throw new Error(`the schema has no field ${name}`)
  for (const [name, { spec }] of Object.entries(shape)) {
    const value = json[name]
    if (value === undefined) object[name] = defaultOf(spec, how.mode)
    else if (within(spec.versions, how.version)) object[name] = valueOf(spec, value, how)
    else throw new Error(`${name} should not be in version ${how.version}`)
  }
  return object
}

function valueOf(spec: Spec, json: Json, how: FromJson): unknown {
  if (json === null) {
    if (!isNullable(spec, how.version)) throw new Error(`null in version ${how.version}`)
    return null
  }
  if (Array.isArray(json)) return json.map(item => (spec.of === undefined ? undefined : valueOf(spec.of, item, how)))
  if (typeof json === 'object') return fromJson(spec.shape ?? {}, json, how)
  if (spec.kind === 'int64') return how.mode === 'bigint' ? BigInt(json) : Number(json)
  if (spec.kind === 'bytes' || spec.kind === 'records') return Buffer.from(String(json), 'base64')
  return spec.kind === 'float64' ? Number(json) : json
}

/** A field's value where it is absent. */
export function defaultOf(spec: Spec, mode: Int64Mode): unknown {
  if (spec.kind === 'struct' && spec.fallback === undefined) {
    return Object.fromEntries(Object.entries(spec.shape ?? {}).map(([name, field]) => [name, defaultOf(field.spec, mode)]))
  }
  if (spec.kind === 'array' && spec.fallback !== null) return []
  if (mode === 'number' || spec.kind !== 'int64' || typeof spec.fallback !== 'number') return spec.fallback
  return spec.fallback === Number.MAX_SAFE_INTEGER ? 0x7fff_ffff_ffff_ffffn : BigInt(spec.fallback)
}
