// What both compilers ask about a schema: which fields a version has, in which role, and how small they can be.
import type { Shape, Spec } from './schema.ts'
import { within } from './schema.ts'

/** How an int64 is held: a number clamped to the safe integers, or exactly. */
export type Int64Mode = 'number' | 'bigint'

/** What to compile: one message in one version. */
export interface Plan {
  /** For stack traces. */
  readonly name: string
  readonly shape: Shape
  readonly version: number
  readonly flexible: boolean
  readonly mode: Int64Mode
}

/** A field in one version. `role`: in line, tagged, or absent from this version. */
export interface Member {
  readonly name: string
  readonly spec: Spec
  readonly role: 'plain' | 'tagged' | 'absent'
  readonly nullable: boolean
}

/** Property under which a message carries tagged fields that its schema does not know; absent when there are none. */
export const unknownTags: unique symbol = Symbol('unknownTags')

/** The fields of a struct with their role in one version. */
export function membersOf(shape: Shape, version: number): Member[] {
  return Object.entries(shape).map(([name, { spec }]) => {
    const tagged = spec.tag !== undefined && within(spec.tagVersions, version)
    const role = !within(spec.versions, version) ? 'absent' : tagged ? 'tagged' : 'plain'
    return { name, spec, role, nullable: isNullable(spec, version) }
  })
}

/** Tagged fields in the order of their tags. */
export const taggedOf = (members: readonly Member[]): Member[] =>
  members.filter(member => member.role === 'tagged').toSorted((a, b) => (a.spec.tag ?? 0) - (b.spec.tag ?? 0))

export const isNullable = (spec: Spec, version: number): boolean => spec.nullable !== undefined && within(spec.nullable, version)

const sizes: Partial<Record<Spec['kind'], number>> = {
  bool: 1,
  int8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  float64: 8,
  uuid: 16,
}

/** Bytes of a value whose type has always the same size, else undefined. */
export const fixedSize = (spec: Spec): number | undefined => sizes[spec.kind]

/** Fewest bytes that a value of this type takes. */
export function leastSize(spec: Spec, version: number, flexible: boolean): number {
  const fixed = fixedSize(spec)
  if (fixed !== undefined) return fixed
  if (spec.kind === 'struct') return isNullable(spec, version) ? 1 : leastStructSize(spec.shape ?? {}, version, flexible)
  if (flexible) return 1
  return spec.kind === 'string' ? 2 : 4
}

/** Fewest bytes that a struct takes. */
export function leastStructSize(shape: Shape, version: number, flexible: boolean): number {
  let size = flexible ? 1 : 0
  for (const { role, spec } of membersOf(shape, version)) if (role === 'plain') size += leastSize(spec, version, flexible)
  return size
}

/** The default of a scalar, string, bytes or array as source code; `empty` names the empty buffer. */
export function fallbackSource(spec: Spec, mode: Int64Mode): string {
  const { fallback } = spec
  if (fallback === null) return 'null'
  if (spec.kind === 'array') return '[]'
  if (spec.kind === 'bytes' || spec.kind === 'records') return 'empty'
  if (spec.kind === 'int64' && mode === 'bigint')
    return fallback === Number.MAX_SAFE_INTEGER ? '0x7fffffffffffffffn' : `${JSON.stringify(fallback)}n`
  return JSON.stringify(fallback)
}

/** Numbered names for the functions and variables of generated code. */
export class Names {
  private next = 0
  fresh(prefix: string): string {
    return `${prefix}${this.next++}`
  }
}
