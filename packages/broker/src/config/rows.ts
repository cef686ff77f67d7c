// How a setting is written down in `definitions/`: type, importance, default (null: none), what is valid, flags.
import type { ConfigType, Definition, Importance, Synonym, UpdateMode } from './types.ts'
import { validatorOf } from './validators.ts'

/** One setting. Flags, separated by blanks: `per-broker`, `cluster-wide` (else read-only), `internal`, `required`. */
export type Row = readonly [type: ConfigType, importance: Importance, defaultText: string | null, valid?: string, flags?: string]

/** Settings by name. */
export type Rows = Readonly<Record<string, Row>>

/** What the type of a setting holds once it is parsed. int64 beyond 2^53-1 is Number.MAX_SAFE_INTEGER. */
interface ParsedTypes {
  BOOLEAN: boolean
  INT: number
  SHORT: number
  LONG: number
  DOUBLE: number
  LIST: readonly string[]
  STRING: string
  CLASS: string
  PASSWORD: string
}

type Words<T extends string> = T extends `${infer First}|${infer Rest}` ? First | Words<Rest> : T

type ParsedOf<R extends Row> = R[3] extends `one of ${infer W}` ? Words<W> : ParsedTypes[R[0]]

/** The type of a setting's value: null belongs to it where nothing is the default. */
export type ValueOf<R extends Rows, N extends keyof R> = R[N][2] extends null ? ParsedOf<R[N]> | null : ParsedOf<R[N]>

const updateOf = (flags: readonly string[]): UpdateMode =>
  flags.includes('cluster-wide') ? 'cluster-wide' : flags.includes('per-broker') ? 'per-broker' : 'read-only'

/** What else is known of settings than their rows. */
export interface Additions {
  readonly synonyms?: Readonly<Record<string, readonly Synonym[]>>
  readonly documentation?: Readonly<Record<string, string>>
}

/** Definitions by name, in the order of the names. */
export function definitionsOf(rows: Rows, additions: Additions = {}): ReadonlyMap<string, Definition> {
  const definitions = new Map<string, Definition>()
  for (const [name, row] of Object.entries(rows).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const [type, importance, defaultText, valid = '', flagsText = ''] = row
    const flags = flagsText.split(' ')
    definitions.set(name, {
      name,
      type,
      importance,
      defaultText,
      required: flags.includes('required'),
      internal: flags.includes('internal'),
      update: updateOf(flags),
      validator: valid === '' ? null : validatorOf(valid),
      synonyms: additions.synonyms?.[name] ?? [],
      documentation: additions.documentation?.[name] ?? null,
    })
  }
  return definitions
}
