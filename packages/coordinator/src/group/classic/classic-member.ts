// A member of a classic group (class ClassicGroupMember of Kafka).
// Beside the metadata and the assignment that its client and its leader sent, a member costs a little over one kilobyte: this object, its ids,
// its entries in the maps of its group, one timer, and at most one waiting answer of each kind. A group alone costs about two.

import { answered, type Decision } from '../../decision.ts'
import type { WaitingJoin, WaitingSync } from './waiting.ts'

/** A way to assign that a member knows, with what it has to say in it; the first is the one it likes best. */
export interface MemberProtocol {
  readonly name: string
  readonly metadata: Buffer
}

/** Who a member is; fixed for its life. */
export interface MemberIdentity {
  readonly memberId: string
  /** Null for dynamic members. */
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly protocolType: string
}

/** What a member asks for with each JoinGroup. */
export interface MemberTerms {
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
  readonly protocols: readonly MemberProtocol[]
}

/** What a member has that was assigned nothing, or nothing yet. */
export const NO_ASSIGNMENT = Buffer.alloc(0)

/** Bytes that a member's protocols and names take; its group keeps the sum. */
export const bytesOf = (identity: Pick<MemberIdentity, 'memberId' | 'groupInstanceId' | 'clientId'>, terms: MemberTerms): number => {
  let bytes = 2 * (identity.memberId.length + identity.clientId.length + (identity.groupInstanceId?.length ?? 0))
  for (const { name, metadata } of terms.protocols) bytes += name.length * 2 + metadata.length + 64
  return bytes
}

/** See the top of the file. */
export class ClassicMember implements MemberIdentity {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly protocolType: string
  /** Name of its session timer; made once, as each heartbeat needs it. */
  readonly sessionKey: string
  /** Its group changes this, as it counts the protocols. */
  terms: MemberTerms
  assignment: Buffer = NO_ASSIGNMENT
  /** Its group changes this, as it counts who waits. */
  waitingJoin: WaitingJoin | null = null
  waitingSync: WaitingSync | null = null
  /** It has never been answered, so it does not know its id and cannot send heartbeats. */
  isNew = false
  /** What its session timer does; whoever watches over its group sets it. */
  expired: () => Decision<void> = () => answered(undefined)

  constructor(identity: MemberIdentity, terms: MemberTerms, sessionKey: string) {
    this.memberId = identity.memberId
    this.groupInstanceId = identity.groupInstanceId
    this.clientId = identity.clientId
    this.clientHost = identity.clientHost
    this.protocolType = identity.protocolType
    this.terms = terms
    this.sessionKey = sessionKey
  }

  get isStatic(): boolean {
    return this.groupInstanceId !== null
  }

  /** Whether it shows that it lives without a heartbeat: it waits for an answer, and not for its very first. */
  get hasSatisfiedHeartbeat(): boolean {
    return !this.isNew && (this.waitingJoin !== null || this.waitingSync !== null)
  }

  /** Its metadata in a protocol; empty where it has none. */
  metadata(protocolName: string): Buffer {
    return this.terms.protocols.find(({ name }) => name === protocolName)?.metadata ?? NO_ASSIGNMENT
  }

  /** Whether these are its protocols, in the same order with the same metadata. */
  matches(protocols: readonly MemberProtocol[]): boolean {
    const own = this.terms.protocols
    if (own.length !== protocols.length) return false
    return own.every(({ name, metadata }, index) => {
      const other = protocols[index]
      return other !== undefined && other.name === name && other.metadata.equals(metadata)
    })
  }
}
