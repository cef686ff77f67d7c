// A JoinGroup on its way, and what it is that makes a group rebalance because of it.

import type { JoinGroupRequest } from '@ottla/protocol'
import type { Caller } from '../world.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { MemberTerms } from './classic-member.ts'
import type { Cause } from './classic-rebalances.ts'
import type { WaitingJoin } from './waiting.ts'

/** Of what a client says about why it joins or leaves. */
const MAX_REASON_LENGTH = 255

/** One JoinGroup on its way. */
export interface Join {
  readonly group: ClassicGroup
  readonly request: JoinGroupRequest
  readonly caller: Caller
  readonly terms: MemberTerms
  readonly waiting: WaitingJoin
}

/** Whose doing a rebalance is, with the client's own reason where it gave one (KIP-800). */
export const causeOf = ({ request, caller }: Join, what: string, memberId: string): Cause => ({
  reason: withReason(what, request.reason),
  memberId,
  clientId: caller.clientId,
})

/** What happened, and the beginning of the client's own reason where it gave one. */
export const withReason = (what: string, reason: string | null): string =>
  reason === null || reason === '' ? what : `${what}; client reason: ${reason.slice(0, MAX_REASON_LENGTH)}`
