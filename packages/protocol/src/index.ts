export * from './apis/index.ts'
export * from './codec.ts'
export { unknownTags } from './codec-plan.ts'
export * from './errors.ts'
export * from './frame.ts'
export { ManualClock } from './manual-clock.ts'
export type {
  AnyApi,
  Api,
  Decoded,
  Encodable,
  Field,
  Message,
  MessageInitOf,
  MessageOf,
  RequestInitOf,
  RequestOf,
  ResponseInitOf,
  ResponseOf,
  Shape,
  Spec,
  Versions,
} from './schema.ts'
export { bounds, within } from './schema.ts'
export { type SeededRandom, seededRandom } from './seeded-random.ts'
export * from './records/index.ts'
export * from './stored/all.ts'
export * from './stored/index.ts'
export type { UnknownTag } from './wire/reader.ts'
export { MAX_ARRAY_ELEMENTS, MAX_TAGGED_FIELDS, Reader } from './wire/reader.ts'
export { isUuid, METADATA_TOPIC_UUID, randomUuid, ZERO_UUID } from './wire/uuid.ts'
export { Writer } from './wire/writer.ts'
export type { Clock, Logger, Random, Timer } from './world.ts'
