// Aids for tests of classic groups: requests with all their fields filled in, answers checked by writing them in the version of the caller.

import {
  ErrorCode,
  heartbeatApi,
  type HeartbeatResponseInit,
  type JoinGroupResponse,
  joinGroupApi,
  type LeaveGroupResponse,
  leaveGroupApi,
  Reader,
  responseCodec,
  type SyncGroupResponse,
  syncGroupApi,
  Writer,
} from '@ottla/protocol'
import { encodeAssignment, encodeSubscription } from '../consumer-protocol.ts'
import type { Group, Groups } from '../group.ts'
import { type TestWorld, testWorld } from '../testing.ts'
import type { Caller, GroupSettings } from '../world.ts'
import { ClassicGroup } from './classic-group.ts'
import type { MemberProtocol } from './classic-member.ts'
import { ClassicRequests } from './classic-requests.ts'

/** What a test says of a JoinGroup; the rest is as consumers send it. */
export interface JoinInit {
  readonly groupId?: string
  readonly memberId?: string
  readonly instance?: string | null
  readonly version?: number
  readonly protocolType?: string
  readonly protocols?: readonly MemberProtocol[]
  readonly sessionTimeoutMs?: number
  readonly rebalanceTimeoutMs?: number
  readonly clientId?: string
  readonly reason?: string | null
}

/** What a test says of a SyncGroup. */
export interface SyncInit {
  readonly groupId?: string
  readonly memberId: string
  readonly instance?: string | null
  readonly generation: number
  readonly version?: number
  readonly protocolType?: string | null
  readonly protocolName?: string | null
  readonly assignments?: readonly { readonly memberId: string; readonly assignment: Buffer }[]
}

export const range = (...topics: string[]): MemberProtocol => ({ name: 'range', metadata: encodeSubscription(1, { topics }) })
export const partitionsOf = (topic: string, ...partitions: number[]): Buffer =>
  encodeAssignment(1, { assignedPartitions: [{ topic, partitions }] })

export const by = (version: number, clientId = 'client'): Caller => ({ apiVersion: version, clientId, clientHost: '/127.0.0.1' })

/** Classic groups in a world of their own. */
export class ClassicHarness {
  readonly test: TestWorld
  readonly groups: Groups = new Map<string, Group>()
  requests: ClassicRequests

  constructor(settings: Partial<GroupSettings> = {}, seed = 1) {
    this.test = testWorld({ settings, seed })
    this.requests = new ClassicRequests(this.test.world, this.groups)
    this.test.log.replay = record => this.requests.replay(record)
  }

  group(groupId = 'g'): ClassicGroup {
    const group = this.groups.get(groupId)
    if (!(group instanceof ClassicGroup)) throw new Error(`no classic group ${groupId}`)
    return group
  }

  async join(init: JoinInit = {}): Promise<JoinGroupResponse> {
    const version = init.version ?? 9
    const request = {
      groupId: init.groupId ?? 'g',
      sessionTimeoutMs: init.sessionTimeoutMs ?? 10_000,
      rebalanceTimeoutMs: init.rebalanceTimeoutMs ?? 60_000,
      memberId: init.memberId ?? '',
      groupInstanceId: init.instance ?? null,
      protocolType: init.protocolType ?? 'consumer',
      protocols: [...(init.protocols ?? [range('t')])],
      reason: init.reason ?? null,
    }
    const answer = await this.test.decide(this.requests.join(request, by(version, init.clientId)))
    const writer = new Writer()
    responseCodec(joinGroupApi, version).write(writer, answer)
    return responseCodec(joinGroupApi, version).read(new Reader(writer.bytes()))
  }

  /** Joins a dynamic member as clients do: asks for an id, comes back with it. */
  async enter(init: JoinInit = {}): Promise<{ readonly memberId: string; readonly joined: Promise<JoinGroupResponse> }> {
    const { memberId } = await this.join(init)
    return { memberId, joined: this.join({ ...init, memberId }) }
  }

  async sync(init: SyncInit): Promise<SyncGroupResponse> {
    const version = init.version ?? 5
    const request = {
      groupId: init.groupId ?? 'g',
      generationId: init.generation,
      memberId: init.memberId,
      groupInstanceId: init.instance ?? null,
      protocolType: init.protocolType === undefined ? 'consumer' : init.protocolType,
      protocolName: init.protocolName === undefined ? 'range' : init.protocolName,
      assignments: [...(init.assignments ?? [])],
    }
    const answer = await this.test.decide(this.requests.sync(request, by(version)))
    const writer = new Writer()
    responseCodec(syncGroupApi, version).write(writer, answer)
    return responseCodec(syncGroupApi, version).read(new Reader(writer.bytes()))
  }

  /** Error code of a heartbeat. */
  async heartbeat(memberId: string, generationId: number, options: { groupId?: string; instance?: string | null } = {}): Promise<number> {
    const request = { groupId: options.groupId ?? 'g', generationId, memberId, groupInstanceId: options.instance ?? null }
    const answer: HeartbeatResponseInit = await this.test.decide(this.requests.heartbeat(request))
    responseCodec(heartbeatApi, 4).write(new Writer(), answer)
    return answer.errorCode
  }

  async leave(
    members: readonly { readonly memberId?: string; readonly instance?: string | null; readonly reason?: string | null }[],
    options: { readonly version?: number; readonly groupId?: string } = {},
  ): Promise<LeaveGroupResponse> {
    const version = options.version ?? 5
    const request = {
      groupId: options.groupId ?? 'g',
      memberId: version < 3 ? (members[0]?.memberId ?? '') : '',
      members: members.map(({ memberId, instance, reason }) => ({
        memberId: memberId ?? '',
        groupInstanceId: instance ?? null,
        reason: reason ?? null,
      })),
    }
    const answer = await this.test.decide(this.requests.leave(request, by(version)))
    const writer = new Writer()
    responseCodec(leaveGroupApi, version).write(writer, answer)
    return responseCodec(leaveGroupApi, version).read(new Reader(writer.bytes()))
  }

  /** A stable group of so many dynamic members; the first is the leader, each gets the partition of its number. */
  async stable(count: number, init: JoinInit = {}): Promise<{ readonly memberIds: string[]; readonly generation: number }> {
    const entered = []
    for (let index = 0; index < count; index++) entered.push(await this.enter(init))
    do this.test.clock.advance(this.test.settings.groupInitialRebalanceDelayMs)
    while (this.group(init.groupId).state === 'PreparingRebalance')
    const answers = await Promise.all(entered.map(({ joined }) => joined))
    const generation = answers[0]?.generationId ?? -1
    const memberIds = entered.map(({ memberId }) => memberId)
    const assignments = memberIds.map((memberId, index) => ({ memberId, assignment: partitionsOf('t', index) }))
    const leader = answers[0]?.leader
    const groupId = init.groupId ?? 'g'
    const synced = await Promise.all(
      memberIds.map(memberId => this.sync({ groupId, memberId, generation, assignments: memberId === leader ? assignments : [] })),
    )
    for (const { errorCode } of synced) if (errorCode !== ErrorCode.NONE) throw new Error(`sync: ${errorCode}`)
    return { memberIds, generation }
  }

  /** Gives the partition up and loads it again from what was written. */
  reload(): void {
    this.requests.unloaded(ErrorCode.NOT_COORDINATOR)
    this.groups.clear()
    for (const key of this.test.clock.keys()) this.test.clock.cancel(key)
    this.requests = new ClassicRequests(this.test.world, this.groups)
    for (const record of this.test.log.records) this.requests.replay(record)
    this.requests.loaded()
  }
}
