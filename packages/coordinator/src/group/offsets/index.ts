export type { CommittedOffset } from './committed-offset.ts'
export type { DeletedTopic, OffsetCounts } from './expiry.ts'
export type { FetchedGroup, OffsetFetchGroup } from './fetch.ts'
export { OffsetRequests } from './offset-requests.ts'
