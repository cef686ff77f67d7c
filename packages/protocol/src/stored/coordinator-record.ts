// Records of the coordinators' internal topics: a key behind two bytes that name the record type, a value behind two bytes of version.
import type { Message, Shape } from '../schema.ts'

/** One record type of an internal topic. */
export interface CoordinatorRecord<Key extends Shape = Shape, Value extends Shape = Shape> {
  readonly topic: '__consumer_offsets' | '__transaction_state' | '__share_group_state'
  readonly type: number
  readonly key: Message<Key>
  readonly value: Message<Value>
}

/** Declares a record type. */
export const coordinatorRecord = <Key extends Shape, Value extends Shape>(
  definition: CoordinatorRecord<Key, Value>,
): CoordinatorRecord<Key, Value> => definition
