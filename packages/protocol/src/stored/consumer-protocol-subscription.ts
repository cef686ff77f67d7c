import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, bytes, int32, message, string } from '../schema.ts'

/** Subscription of a classic consumer, embedded in JoinGroup. */
export const consumerProtocolSubscription = message({
  name: 'ConsumerProtocolSubscription',
  versions: '0-3',
  flexible: 'none',
  fields: {
    topics: array(string),
    userData: bytes.nullable().default(null),
    ownedPartitions: array({
      topic: string,
      partitions: array(int32),
    })
      .in('1+')
      .ignorable(),
    generationId: int32.default(-1).in('2+').ignorable(),
    rackId: string.nullable().default(null).in('3+').ignorable(),
  },
})

export interface ConsumerProtocolSubscription extends MessageOf<typeof consumerProtocolSubscription> {}
export interface ConsumerProtocolSubscriptionInit extends MessageInitOf<typeof consumerProtocolSubscription> {}
