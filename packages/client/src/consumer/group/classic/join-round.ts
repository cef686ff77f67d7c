// One way into a classic group: JoinGroup, then SyncGroup, with the answers that mean to begin again (Kafka's AbstractCoordinator): a member id given
// first (KIP-394), an id or generation that the coordinator does not know, a rebalance that began meanwhile.
import { ErrorCode, type JoinGroupRequestInit, type JoinGroupResponse, joinGroupApi, syncGroupApi } from '@ottla/protocol'
import { protocolError } from '../../../errors/index.ts'
import { delay } from '../../../retry.ts'
import type { GroupMemberAssignment, GroupState } from '../../assignors/types.ts'
import { askCoordinator, coordinatorError, type GroupCaller } from '../coordinator-calls.ts'
import type { MembershipSettings } from '../options.ts'
import { type Generation, noGeneration } from './generation.ts'

/** Protocol type of groups of consumers. */
const protocolType = 'consumer'
/** How much longer than the rebalance time-out an answer may take. */
const lapseMs = 5_000
/** From this version on there are static members (KIP-345). */
const firstWithStatic = 5
/** Rounds that begin again at once; later ones wait a little. */
const immediateRounds = 3
const pauseMs = 100

/** What a round needs of its member. */
export interface RoundMember extends GroupCaller {
  readonly settings: MembershipSettings
  readonly signal: AbortSignal
  /** Changed as the coordinator gives ids and takes them away. */
  generation: Generation
  /** What the member enters the group with; asked before each try. */
  protocols(): readonly GroupState[]
  /** Asked when this member leads: who gets what. */
  assignmentsOf(joined: JoinGroupResponse): Promise<readonly GroupMemberAssignment[]>
  /** Called before each JoinGroup: who is no member any more holds nothing that others may get. */
  entering(): Promise<void>
  /** Called when JoinGroup was answered: heartbeats are expected from now on. */
  entered(): void
}

/** A round that came to its end. */
export interface JoinedRound {
  /** Of this round, though a heartbeat may have learned meanwhile that it is over. */
  readonly generation: Generation
  readonly leaderId: string
  readonly isLeader: boolean
  /** Bytes of this member's assignment. */
  readonly assignment: Buffer
}

/** Joins. Rejects with errors that end a membership, and with retriable ones after which `joinRound` may be called again. */
export async function joinRound(member: RoundMember, reason: string): Promise<JoinedRound> {
  for (let rounds = 0; ; rounds++) {
    if (rounds >= immediateRounds) await delay(member.cluster.clock, pauseMs, member.signal)
    member.signal.throwIfAborted()
    await member.entering()
    const joined = await join(member, reason)
    if (joined === undefined) continue
    const { generation } = member
    member.entered()
    const isLeader = joined.leader === joined.memberId
    // A static member that leads and came back with nothing changed leaves the assignment as it is (KIP-814).
    const assignments = isLeader ? await member.assignmentsOf(joined) : []
    const assignment = await sync(member, assignments)
    if (assignment !== undefined) return { generation, leaderId: joined.leader, isLeader, assignment }
  }
}

/** Undefined: begin again. */
async function join(member: RoundMember, reason: string): Promise<JoinGroupResponse | undefined> {
  const { settings, generation } = member
  const protocols = [...member.protocols()]
  const body = (version: number): JoinGroupRequestInit => {
    if (version < firstWithStatic && settings.groupInstanceId !== null)
      throw protocolError(
        ErrorCode.UNSUPPORTED_VERSION,
        'The coordinator is older than Kafka 2.3 and has no static members (groupInstanceId)',
      )
    return requestOf(version)
  }
  const requestOf = (version: number): JoinGroupRequestInit => ({
    groupId: settings.groupId,
    sessionTimeoutMs: settings.sessionTimeoutMs,
    rebalanceTimeoutMs: settings.rebalanceTimeoutMs,
    memberId: generation.memberId,
    groupInstanceId: version >= firstWithStatic ? settings.groupInstanceId : null,
    protocolType,
    protocols,
    reason: version >= 8 ? reason : null,
  })
  const { body: joined } = await askCoordinator(member, { api: joinGroupApi, body }, optionsOf(member))
  switch (joined.errorCode) {
    case ErrorCode.NONE: {
      const protocolName = joined.protocolName ?? ''
      member.generation = { generationId: joined.generationId, memberId: joined.memberId, protocolName }
      return joined
    }
    case ErrorCode.MEMBER_ID_REQUIRED:
      member.generation = { ...noGeneration, memberId: joined.memberId }
      return undefined
    case ErrorCode.UNKNOWN_MEMBER_ID:
      member.generation = noGeneration
      return undefined
    case ErrorCode.ILLEGAL_GENERATION:
      member.generation = { ...noGeneration, memberId: generation.memberId }
      return undefined
    case ErrorCode.REBALANCE_IN_PROGRESS:
      return undefined
    default:
      throw coordinatorError(member, joined.errorCode)
  }
}

/** Undefined: begin again. */
async function sync(member: RoundMember, assignments: readonly GroupMemberAssignment[]): Promise<Buffer | undefined> {
  const { settings, generation } = member
  const { body: synced } = await askCoordinator(
    member,
    {
      api: syncGroupApi,
      body: version => ({
        groupId: settings.groupId,
        generationId: generation.generationId,
        memberId: generation.memberId,
        groupInstanceId: version >= 3 ? settings.groupInstanceId : null,
        protocolType,
        protocolName: generation.protocolName,
        assignments: assignments.map(({ memberId, memberAssignment }) => ({ memberId, assignment: memberAssignment })),
      }),
    },
    optionsOf(member),
  )
  switch (synced.errorCode) {
    case ErrorCode.NONE:
      return synced.assignment
    case ErrorCode.REBALANCE_IN_PROGRESS:
      return undefined
    case ErrorCode.UNKNOWN_MEMBER_ID:
      member.generation = noGeneration
      return undefined
    case ErrorCode.ILLEGAL_GENERATION:
      member.generation = { ...noGeneration, memberId: generation.memberId }
      return undefined
    default:
      throw coordinatorError(member, synced.errorCode)
  }
}

/** Answers come when all members are there, or the time for that is over. */
const optionsOf = ({ cluster, settings, signal }: RoundMember): { timeoutMs: number; signal: AbortSignal } => ({
  timeoutMs: Math.max(cluster.requestTimeoutMs, settings.rebalanceTimeoutMs + lapseMs),
  signal,
})
