// Where Ottla answers something else than Apache Kafka 4.3.1, and why. Patterns of `scenario / request`.
export const known: readonly { readonly request: RegExp; readonly reason: string }[] = [
  {
    request: /^find coordinator \/ FindCoordinator v\d: key type (2|3|7|-1)$/,
    reason: 'errors have descriptions in our own words; coordinators of share groups are not there yet, whatever their key',
  },
  {
    request: /^(descriptions of consumer groups \/ ConsumerGroupDescribe|descriptions \/ DescribeGroups) v\d: twice$/,
    reason: 'a group that is named twice is described once: an answer stays in proportion to what is stored',
  },
  {
    request: /^fetches \/ OffsetFetch v(8|9|10): twice one group$/,
    reason: 'of a group that is named twice, only the first is looked up: an answer stays in proportion to what is stored',
  },
  {
    request: /^offsets of consumer groups \/ OffsetFetch v(9|10): null with an epoch$/,
    reason: 'Kafka fails with an exception of its own (UNKNOWN_SERVER_ERROR) where we say UNKNOWN_MEMBER_ID',
  },
  {
    request: /^settings of groups \/ IncrementalAlterConfigs v\d: operation 9 /,
    reason: 'Kafka fails with an exception of its own (UNKNOWN_SERVER_ERROR) where we say INVALID_REQUEST',
  },
]
