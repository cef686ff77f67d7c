// What a run needs, with every default filled in.
import type { Cluster } from '../../cluster/cluster.ts'
import type { FetcherOptions } from '../fetch/options.ts'
import type { MembershipOptions } from '../group/options.ts'
import type { FoundOffset, OffsetQuery, OffsetsOfOptions } from '../offsets-of.ts'
import type { AssignmentListener, Fetcher, Membership } from '../parts.ts'
import type { EachBatchPayload } from '../types.ts'
import type { Decoder, MessageHandler } from './handler.ts'

/** What a consumer is put together from; tests have their own. */
export interface ConsumerParts {
  createFetcher(cluster: Cluster, options: FetcherOptions): Fetcher
  createMembership(cluster: Cluster, options: MembershipOptions, listener: AssignmentListener): Membership
  offsetsOf(cluster: Cluster, queries: readonly OffsetQuery[], options?: OffsetsOfOptions): Promise<FoundOffset[]>
}

/** How a run handles what it reads. */
export type Handling =
  | {
      readonly each: 'message'
      readonly handler: MessageHandler
      readonly concurrency: number
      readonly order: 'key' | 'partition' | 'none'
    }
  | {
      readonly each: 'batch'
      readonly handler: (payload: EachBatchPayload) => unknown
      readonly autoResolve: boolean
      readonly decoder: Decoder | null
    }
  /** Neither: the consumer is a member of its group and handles nothing. */
  | { readonly each: 'nothing' }

/** `run`'s settings. */
export interface RunSettings {
  readonly handling: Handling
  /** Partitions at the same time. */
  readonly partitions: number
  readonly autoCommit: boolean
  readonly autoCommitIntervalMs: number | null
  readonly autoCommitThreshold: number | null
  /** How long `stop` waits for handlers. */
  readonly stopTimeoutMs: number
  /** How long a handler may take before the consumer leaves its group; null: as long as it likes. */
  readonly maxPollIntervalMs: number | null
  /** How long a handler may take before that is logged. */
  readonly hangWarningMs: number
  /** How long the revocation of partitions waits for handlers. */
  readonly revokeTimeoutMs: number
}
