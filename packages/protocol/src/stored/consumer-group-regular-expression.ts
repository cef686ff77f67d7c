import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, int64, message, string } from '../schema.ts'
import { coordinatorRecord } from './coordinator-record.ts'

export const consumerGroupRegularExpressionKey = message({
  name: 'ConsumerGroupRegularExpressionKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string,
    regularExpression: string,
  },
})

export const consumerGroupRegularExpressionValue = message({
  name: 'ConsumerGroupRegularExpressionValue',
  versions: '0',
  flexible: '0+',
  fields: {
    topics: array(string),
    version: int64,
    timestamp: int64,
  },
})

/** Topics that a group's regular expression matched. */
export const consumerGroupRegularExpressionRecord = coordinatorRecord({
  topic: '__consumer_offsets',
  type: 16,
  key: consumerGroupRegularExpressionKey,
  value: consumerGroupRegularExpressionValue,
})

export interface ConsumerGroupRegularExpressionKey extends MessageOf<typeof consumerGroupRegularExpressionKey> {}
export interface ConsumerGroupRegularExpressionKeyInit extends MessageInitOf<typeof consumerGroupRegularExpressionKey> {}
export interface ConsumerGroupRegularExpressionValue extends MessageOf<typeof consumerGroupRegularExpressionValue> {}
export interface ConsumerGroupRegularExpressionValueInit extends MessageInitOf<typeof consumerGroupRegularExpressionValue> {}
