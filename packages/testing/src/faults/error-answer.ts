// The answer to any request that holds an error in every place that has one, made from the schema of the API: the parts of the answer mirror
// the parts of the request, and each gets the code.
import type { AnyApi, ResponseInitOf, Shape } from '@ottla/protocol'
import { errorOf, within } from '@ottla/protocol'
import { fieldsOf } from './request-facts.ts'

type Spec = Shape[string]['spec']
type Fields = Readonly<Record<string, unknown>>

/** Names that mean the same in requests and answers. */
const synonyms: readonly (readonly string[])[] = [
  ['name', 'topic', 'topicName'],
  ['partitionIndex', 'index', 'partition', 'partitionId'],
  ['groupId', 'group'],
  ['key', 'coordinatorKey'],
  ['configResourceName', 'resourceName'],
]

const namesLike = (name: string): readonly string[] => synonyms.find(list => list.includes(name)) ?? [name]

const isErrorCode = (name: string, spec: Spec): boolean => spec.kind === 'int16' && /errorCode$/i.test(name)

/** Whether a shape has a place for an error, itself or further inside. */
const holdsError = (shape: Shape, version: number): boolean =>
  Object.entries(shape).some(([name, { spec }]) => {
    if (!within(spec.versions, version)) return false
    const inner = spec.shape ?? spec.of?.shape
    return isErrorCode(name, spec) || (inner !== undefined && holdsError(inner, version))
  })

/** What the value of a field is looked up in: the part of the request that is mirrored, then what is around it. */
type Scope = readonly unknown[]

const looked = (name: string, scope: Scope): unknown => {
  for (const part of scope) {
    const fields = fieldsOf(part)
    if (fields === undefined) continue
    for (const like of namesLike(name)) if (fields[like] !== undefined) return fields[like]
  }
  return undefined
}

/** The field that a plain element of the request, such as a group id, is the value of. */
const plainField = (shape: Shape, element: unknown): string | undefined =>
  Object.entries(shape).find(([name, { spec }]) => {
    if (typeof element === 'string') return spec.kind === 'string' && !/message$/i.test(name)
    return typeof element === 'number' && spec.kind === 'int32'
  })?.[0]

/** How well a list of the request fits a list of the answer; 0: not at all. */
const fit = (list: unknown, field: { name: string; shape: Shape; candidate: string }): number => {
  if (!Array.isArray(list)) return 0
  const sample: unknown = list[0]
  const fields = fieldsOf(sample)
  const shared =
    fields === undefined
      ? Number(plainField(field.shape, sample) !== undefined)
      : Object.keys(field.shape).filter(name => namesLike(name).some(like => like in fields)).length
  return shared === 0 ? 0 : shared + (field.candidate === field.name ? 10 : 0)
}

const counterpart = (name: string, shape: Shape, scope: Scope): readonly unknown[] => {
  let best: readonly unknown[] = []
  let bestFit = 0
  for (const part of scope) {
    for (const [candidate, list] of Object.entries(fieldsOf(part) ?? {})) {
      const fits = fit(list, { name, shape, candidate })
      if (fits <= bestFit || !Array.isArray(list)) continue
      best = list
      bestFit = fits
    }
    if (bestFit > 0) return best
  }
  return best
}

/** What stands where nothing is known: -1 for offsets and times, as brokers say. */
const unknown = (name: string, spec: Spec): unknown => {
  if (spec.kind === 'int64' && spec.fallback === 0 && /offset|watermark|timestamp/i.test(name)) return -1
  return spec.nullable !== undefined && spec.kind !== 'string' && spec.fallback === undefined ? null : spec.fallback
}

interface Making {
  readonly version: number
  readonly code: number
}

function mirror(shape: Shape, scope: Scope, making: Making): Fields {
  const result: Record<string, unknown> = {}
  for (const [name, { spec }] of Object.entries(shape)) {
    if (within(spec.versions, making.version)) result[name] = valueOf(name, spec, { scope, shape, making })
  }
  return result
}

function valueOf(name: string, spec: Spec, { making, scope, shape }: { scope: Scope; shape: Shape; making: Making }): unknown {
  if (isErrorCode(name, spec)) return making.code
  if (spec.kind === 'string' && /^errorMessage$/i.test(name)) return errorOf(making.code).message
  if (spec.kind === 'struct' && spec.shape !== undefined) return spec.fallback === null ? null : mirror(spec.shape, [], making)
  if (spec.kind === 'array') {
    const inner = spec.of?.shape
    if (inner === undefined || !holdsError(inner, making.version)) return []
    return counterpart(name, inner, scope).map(element => mirror(inner, [element, ...scope], making))
  }
  const [element] = scope
  if (fieldsOf(element) === undefined && element !== undefined && plainField(shape, element) === name) return element
  if (spec.kind === 'string' || spec.kind === 'int32' || spec.kind === 'uuid' || spec.kind === 'int8') {
    const found = looked(name, scope)
    if (typeof found === typeof spec.fallback && found !== undefined) return found
  }
  return unknown(name, spec)
}

/** Whether answers of this version have any place for an error. */
export const canFail = (api: AnyApi, version: number): boolean => holdsError(api.response, version)

/** The answer to `request` with the error `code` in every place that can hold one. */
export function errorAnswer(api: AnyApi, request: Fields, making: Making): ResponseInitOf<AnyApi> {
  return mirror(api.response, [request], making)
}

/** An answer as the broker made it, with the error put into every place that can hold one. */
export function withError(api: AnyApi, answer: Fields, { code, version }: Making): ResponseInitOf<AnyApi> {
  const put = (shape: Shape, value: Fields): Fields => {
    const result: Record<string, unknown> = { ...value }
    for (const [name, { spec }] of Object.entries(shape)) {
      const inner = spec.shape ?? spec.of?.shape
      const old = result[name]
      if (!within(spec.versions, version)) continue
      if (isErrorCode(name, spec)) result[name] = code
      else if (inner !== undefined && Array.isArray(old)) result[name] = old.map(one => put(inner, fieldsOf(one) ?? {}))
    }
    return result
  }
  return put(api.response, answer)
}
