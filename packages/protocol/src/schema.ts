// The schema language: one declaration per message holds every version of it, types and codecs follow from it.
// Where Kafka's JSON message definitions say `versions`, `nullableVersions`, `taggedVersions`, `default` and `ignorable`, a
// field here says `.in()`, `.nullable()`, `.tag()`, `.default()` and `.ignorable()`.
import { ZERO_UUID } from './wire/uuid.ts'

/** A range of versions: one, all from one on, or from one to another. */
export type Versions = `${number}` | `${number}+` | `${number}-${number}`

/** What a struct or array field holds, kept as the shape itself so that no type is expanded twice. */
export interface StructOf<S extends Shape> {
  readonly struct: S
}
export interface ArrayOf<E> {
  readonly array: E
}
/** Record batches: read as a slice of the input, written from one buffer or several. */
export interface RecordsOf {
  readonly records: true
}

type Out<T> = T extends StructOf<infer S> ? Decoded<S> : T extends ArrayOf<infer E> ? Out<E>[] : T extends RecordsOf ? Buffer : T
type In<T> =
  T extends StructOf<infer S>
    ? Encodable<S>
    : T extends ArrayOf<infer E>
      ? readonly In<E>[]
      : T extends RecordsOf
        ? Buffer | readonly Buffer[]
        : T

/** The wire types. `records` is like `bytes`, but never copied. */
export type Kind =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'float64'
  | 'string'
  | 'uuid'
  | 'bytes'
  | 'records'
  | 'array'
  | 'struct'

/** What a codec is compiled from: one field with all its versions. */
export interface Spec {
  readonly kind: Kind
  /** Versions that have the field; absent means all. */
  readonly versions?: Versions
  readonly nullable?: Versions
  readonly tag?: number
  /** Versions in which the field is a tagged one (KIP-482); in others that have it, it stands in line. */
  readonly tagVersions?: Versions
  /** Value of the field where it is absent; absent for structs, whose fields have their own. */
  readonly fallback?: unknown
  /** Whether a writer may leave the field out. */
  readonly optional?: boolean
  /** Whether a value is left out silently where the version has no room for it. */
  readonly ignorable?: boolean
  /** Element of an array. */
  readonly of?: Spec
  /** Fields of a struct. */
  readonly shape?: Shape
}

/** A field of a message. Immutable: each method gives a new field. */
export class Field<T, Optional extends boolean = false> {
  declare readonly type: T
  declare readonly optional: Optional
  readonly spec: Spec
  constructor(spec: Spec) {
    this.spec = spec
  }

  /** Only these versions have the field. */
  in(versions: Versions): Field<T, true> {
    return new Field({ ...this.spec, versions, optional: true })
  }
  /** The value where a message or its writer does not give one. */
  default(fallback: In<T>): Field<T, true> {
    return new Field({ ...this.spec, fallback, optional: true })
  }
  /** Null is allowed; that alone does not make it the default. */
  nullable(versions: Versions = '0+'): Field<T | null, Optional> {
    return new Field({ ...this.spec, nullable: versions })
  }
  /** Sent as a tagged field, and only when it differs from its default. */
  tag(tag: number, tagVersions: Versions): Field<T, true> {
    return new Field({ ...this.spec, tag, tagVersions, optional: true })
  }
  /** A set value may be dropped in versions that do not have the field. */
  ignorable(): Field<T, Optional> {
    return new Field({ ...this.spec, ignorable: true })
  }
}

/** The fields of a message or struct, in the order of the wire. */
export interface Shape {
  readonly [name: string]: Field<unknown, boolean>
}
type OptionalKeys<S extends Shape> = { [K in keyof S]: S[K] extends Field<unknown, true> ? K : never }[keyof S]
type TypeOf<F> = F extends Field<infer T, boolean> ? T : never

/** What is read: every field is present. */
export type Decoded<S extends Shape> = { -readonly [K in keyof S]: Out<TypeOf<S[K]>> } & {}
/** What may be written: fields with a default, and those that not all versions have, may be left out. */
export type Encodable<S extends Shape> = Flat<
  { readonly [K in Exclude<keyof S, OptionalKeys<S>>]: In<TypeOf<S[K]>> } & {
    readonly [K in OptionalKeys<S>]?: In<TypeOf<S[K]>> | undefined
  }
>
/** The same type as one object, which editors show and declarations hold. */
type Flat<T> = { [K in keyof T]: T[K] } & {}

const scalar = <T>(kind: Kind, fallback: T) => new Field<T>({ kind, fallback })
export const bool = scalar<boolean>('bool', false)
export const int8 = scalar<number>('int8', 0)
export const int16 = scalar<number>('int16', 0)
export const uint16 = scalar<number>('uint16', 0)
export const int32 = scalar<number>('int32', 0)
export const uint32 = scalar<number>('uint32', 0)
export const int64 = scalar<number>('int64', 0)
export const float64 = scalar<number>('float64', 0)
export const string = scalar<string>('string', '')
/** Kafka's text form of 22 characters. */
export const uuid = scalar<string>('uuid', ZERO_UUID)
export const bytes = scalar<Buffer>('bytes', Buffer.alloc(0))
export const records = new Field<RecordsOf | null>({ kind: 'records', fallback: null, nullable: '0+' })

/** An array of structs or of plain values. */
export function array<S extends Shape>(of: S): Field<ArrayOf<StructOf<S>>>
export function array<T>(of: Field<T, boolean>): Field<ArrayOf<T>>
export function array(of: Shape | Field<unknown, boolean>): Field<ArrayOf<unknown>> {
  return new Field({ kind: 'array', of: of instanceof Field ? of.spec : { kind: 'struct', shape: of }, fallback: [] })
}

/** A struct in line. */
export const struct = <S extends Shape>(shape: S): Field<StructOf<S>> => new Field({ kind: 'struct', shape })

/** One API: request and response in every version. */
export interface Api<Request extends Shape = Shape, Response extends Shape = Shape> {
  readonly name: string
  readonly key: number
  readonly versions: Versions
  /** Versions with compact lengths and tagged fields (KIP-482). */
  readonly flexible: Versions | 'none'
  readonly request: Request
  readonly response: Response
}

/** An API of which no more is known. */
export type AnyApi = Api

/** Declares an API. */
export const api = <Request extends Shape, Response extends Shape>(definition: Api<Request, Response>): Api<Request, Response> => definition

/** The request of an API as it is read. */
export type RequestOf<A extends AnyApi> = Decoded<A['request']>
/** The request of an API as it may be written. */
export type RequestInitOf<A extends AnyApi> = Encodable<A['request']>
/** The response of an API as it is read. */
export type ResponseOf<A extends AnyApi> = Decoded<A['response']>
/** The response of an API as it may be written. */
export type ResponseInitOf<A extends AnyApi> = Encodable<A['response']>

/** A message that is not a request or response: a stored record, or what clients embed in one. */
export interface Message<S extends Shape = Shape> {
  readonly name: string
  readonly versions: Versions
  readonly flexible: Versions | 'none'
  readonly fields: S
}

/** Declares a message. */
export const message = <S extends Shape>(definition: Message<S>): Message<S> => definition

/** A message as it is read. */
export type MessageOf<M extends Message> = Decoded<M['fields']>
/** A message as it may be written. */
export type MessageInitOf<M extends Message> = Encodable<M['fields']>

/** Lowest and highest version of a range; `'none'` holds no version. */
export function bounds(versions: Versions | 'none'): readonly [low: number, high: number] {
  if (versions === 'none') return [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  if (versions.endsWith('+')) return [Number(versions.slice(0, -1)), Number.POSITIVE_INFINITY]
  const [low = '', high = low] = versions.split('-')
  return [Number(low), Number(high)]
}

/** Whether a version lies in a range; an absent range holds every version. */
export function within(versions: Versions | 'none' | undefined, version: number): boolean {
  if (versions === undefined) return true
  const [low, high] = bounds(versions)
  return version >= low && version <= high
}
