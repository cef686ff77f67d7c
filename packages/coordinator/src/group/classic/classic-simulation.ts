// Random lives of one classic group, by seed: members of all versions join, sync, are slow, leave, crash and come back, static ones under new ids;
// commits are late or fail. What has to hold always is checked after each step, and at the end that all come to rest.

import { Buffer } from 'node:buffer'
import { ErrorCode, KafkaError, type Random, seededRandom } from '@ottla/protocol'
import { ClassicGroup } from './classic-group.ts'
import { ClassicHarness } from './classic-testing.ts'

/** Longest that anybody may wait: the rebalance and session time-outs of this group's members are far below. */
const PATIENCE_MS = 400_000

const ensure = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(`it does not hold that ${what}`)
}

interface SimulatedClient {
  readonly version: number
  readonly instance: string | null
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  names: string[]
  memberId: string
  generation: number
  state: 'out' | 'waiting' | 'joined' | 'member'
  /** Since when it waits for an answer. */
  sinceMs: number
  isLeader: boolean
  others: readonly string[]
  assignment: string
  isGone: boolean
}

export class ClassicSimulation {
  readonly harness: ClassicHarness
  readonly random: Random
  clients: SimulatedClient[] = []
  /** First assignment that the leader of a generation sent. */
  readonly #sent = new Map<number, ReadonlyMap<string, string>>()
  /** Member ids that a static member had before, by the one it has. */
  readonly #former = new Map<string, string>()
  readonly #instances = new Map<string, string>()
  #newestGeneration = 0
  #failure: { readonly error: unknown } | null = null
  #made = 0
  /** Answers that meant something, to see that the simulation does something. */
  readonly seen = { joined: 0, synced: 0, fenced: 0, late: 0, restarts: 0 }

  constructor(seed: number) {
    this.random = seededRandom(seed)
    const groupInitialRebalanceDelayMs = this.#below(2) * 3_000
    this.harness = new ClassicHarness({ groupInitialRebalanceDelayMs, groupMaxSize: 8 }, seed)
  }

  get group(): ClassicGroup | null {
    const group = this.harness.groups.get('g')
    return group instanceof ClassicGroup ? group : null
  }

  /** Something happens. */
  async step(): Promise<void> {
    const dice = this.random.next()
    const client = this.#pick()
    if (dice < 0.12) this.#create()
    else if (dice < 0.15 && client !== undefined) client.isGone = true
    else if (dice < 0.18 && client?.state === 'member') this.#leave(client)
    else if (dice < 0.22 && client?.state === 'member') this.#changeProtocols(client)
    else if (dice < 0.27 && (this.group?.generation ?? 0) > 0) this.harness.test.log.hold()
    else if (dice < 0.33) this.harness.test.log.commit()
    else if (dice < 0.34) this.harness.test.log.fail(new KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS))
    else if (dice < 0.35) this.#restart()
    else if (dice < 0.44) this.harness.test.clock.advance(this.#below(this.#below(8) === 0 ? 12_000 : 1_500))
    else for (const each of this.#alive()) if (this.#below(3) > 0) this.#act(each)
    await this.#turn()
    this.check()
  }

  /** Nobody comes or goes any more; all that live do what they should, until they have been at rest for long. */
  async settle(): Promise<void> {
    this.harness.test.log.commit()
    for (let passed = 0; passed < PATIENCE_MS; passed += 2_000) {
      for (const client of this.#alive()) this.#act(client)
      await this.#turn()
      this.harness.test.clock.advance(2_000)
      await this.#turn()
      this.check()
    }
    const alive = this.#alive()
    const { group } = this
    if (alive.length === 0 || group === null) return
    ensure(group.state === 'Stable', `the group is stable at the end (it is ${group.state})`)
    ensure(group.memberCount === alive.length, `all that live are members (${alive.length} of ${group.memberCount})`)
    for (const client of alive) {
      ensure(client.state === 'member' && client.generation === group.generation, 'each is a member of the newest generation')
      ensure(client.assignment !== '', 'each has an assignment')
    }
    ensure(new Set(alive.map(({ assignment }) => assignment.split(' ')[0])).size === 1, 'all have their assignments of the same leader')
  }

  /** All leave: nothing is left to wait for. */
  async end(): Promise<void> {
    for (const client of this.#alive()) this.#leave(client)
    await this.#turn()
    this.harness.test.clock.advance(PATIENCE_MS)
    await this.#turn()
    ensure(this.group === null || this.group.state === 'Empty', 'the group is empty when all have left')
    ensure(this.harness.test.clock.keys().length === 0, `no timer is left (${this.harness.test.clock.keys().join(', ')})`)
  }

  /** What holds always. */
  check(): void {
    if (this.#failure !== null) throw this.#failure.error
    const now = this.harness.test.clock.monotonic()
    for (const client of this.#alive())
      ensure(client.state !== 'waiting' || now - client.sinceMs < PATIENCE_MS || this.harness.test.log.held > 0, 'nobody waits for ever')
    const { group } = this
    if (group === null) return
    const { clock } = this.harness.test
    const members = [...group.members.values()]
    ensure(group.waitingJoins === members.filter(({ waitingJoin }) => waitingJoin !== null).length, 'the count of who waits is right')
    ensure(members.length === 0 || (group.leaderId !== null && group.members.has(group.leaderId)), 'the leader is a member')
    ensure(members.length === 0 || group.electProtocol() !== '', 'all members share a protocol')
    if (group.state === 'Empty') ensure(members.length === 0, 'an empty group has no members')
    const synced = members.filter(({ waitingSync }) => waitingSync !== null).length
    if (group.state === 'PreparingRebalance') ensure(synced === 0, 'nobody waits for an assignment while others join')
    if (group.state === 'CompletingRebalance') ensure(group.waitingJoins === 0, 'nobody waits to join while others sync')
    if (group.state === 'Stable' && this.harness.test.log.held === 0)
      ensure(group.waitingJoins === 0 && synced === 0, 'nobody waits for anything in a stable group')
    if (group.state === 'PreparingRebalance') ensure(clock.has('classic-join/g'), 'somebody looks after the joining')
    if (group.state === 'CompletingRebalance')
      ensure(group.unsynced.size === 0 || clock.has('classic-sync/g'), 'somebody looks after the syncing')
    for (const member of members)
      ensure(clock.has(member.sessionKey) || member.hasSatisfiedHeartbeat, `somebody looks after ${member.memberId}`)
    for (const memberId of group.pending) ensure(clock.has(group.sessionKey(memberId)), 'somebody looks after who was given an id')
  }

  #below(limit: number): number {
    return Math.floor(this.random.next() * limit)
  }

  #pick(): SimulatedClient | undefined {
    const alive = this.#alive()
    return alive[this.#below(alive.length)]
  }

  #alive(): SimulatedClient[] {
    return this.clients.filter(({ isGone }) => !isGone)
  }

  async #turn(): Promise<void> {
    for (let turn = 0; turn < 12; turn++) await Promise.resolve()
  }

  #create(): void {
    if (this.#alive().length >= 6) return
    const instance = this.#below(2) === 0 ? `i${this.#below(3)}` : null
    // The program with this name was started anew: the one before is gone, or will soon learn that it is fenced.
    const before = instance === null ? undefined : this.#alive().find(client => client.instance === instance)
    if (before !== undefined && this.#below(2) === 0) before.isGone = true
    this.clients.push({
      version: instance === null ? this.#below(10) : 5 + this.#below(5),
      instance,
      sessionTimeoutMs: 6_000 + this.#below(10_000),
      rebalanceTimeoutMs: 2_000 + this.#below(30_000),
      names: this.#protocols(),
      memberId: '',
      generation: -1,
      state: 'out',
      sinceMs: 0,
      isLeader: false,
      others: [],
      assignment: '',
      isGone: false,
    })
  }

  #protocols(): string[] {
    return this.#below(2) === 0 ? ['a'] : this.#below(2) === 0 ? ['b', 'a'] : ['a', 'b']
  }

  #changeProtocols(client: SimulatedClient): void {
    client.names = this.#protocols()
    client.state = 'out'
  }

  #act(client: SimulatedClient): void {
    if (client.state === 'out') this.#watch(this.#join(client))
    else if (client.state === 'joined') this.#watch(this.#sync(client))
    else if (client.state === 'member') this.#watch(this.#heartbeat(client))
  }

  /** The partition is loaded again from its log. What was not kept of the newest generations is lost, and their numbers may come again. */
  #restart(): void {
    if (this.harness.test.log.held > 0) return
    this.harness.reload()
    const generation = this.group?.generation ?? 0
    this.#newestGeneration = generation
    for (const sent of this.#sent.keys()) if (sent > generation) this.#sent.delete(sent)
    for (const client of this.clients) {
      if (client.generation <= generation) continue
      client.generation = -1
      if (client.state !== 'waiting') client.state = 'out'
    }
    this.seen.restarts++
  }

  #watch(request: Promise<void>): void {
    request.catch((error: unknown) => {
      this.#failure ??= { error }
    })
  }

  #wait(client: SimulatedClient): void {
    client.state = 'waiting'
    client.sinceMs = this.harness.test.clock.monotonic()
  }

  async #join(client: SimulatedClient): Promise<void> {
    this.#wait(client)
    const { version, instance, memberId, sessionTimeoutMs, rebalanceTimeoutMs } = client
    // The metadata differ from time to time, so that members without news are as frequent as others.
    const protocols = client.names.map(name => ({ name, metadata: Buffer.from(`${name}${this.#below(2)}`) }))
    const answer = await this.harness
      .join({
        version,
        instance,
        memberId,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        protocolType: 'x',
        protocols,
        clientId: `c${this.#made++}`,
      })
      .catch((error: unknown) => this.#failed(error))
    if (answer === null || answer.errorCode !== ErrorCode.NONE) {
      this.#refused(client, answer?.errorCode ?? ErrorCode.NONE)
      if (answer?.errorCode === ErrorCode.MEMBER_ID_REQUIRED) client.memberId = answer.memberId
      return
    }
    this.seen.joined++
    ensure(answer.generationId >= client.generation, 'generations do not fall for a member')
    ensure(
      answer.generationId >= 1 && answer.protocolName !== null && client.names.includes(answer.protocolName),
      'the protocol is one of the member',
    )
    this.#newestGeneration = Math.max(this.#newestGeneration, answer.generationId)
    ensure((this.group?.generation ?? 0) >= this.#newestGeneration, 'generations of the group grow')
    if (instance !== null && this.#instances.get(instance) !== answer.memberId) {
      const former = this.#instances.get(instance)
      if (former !== undefined) this.#former.set(answer.memberId, former)
      this.#instances.set(instance, answer.memberId)
    }
    client.memberId = answer.memberId
    client.generation = answer.generationId
    client.isLeader = answer.leader === answer.memberId && !answer.skipAssignment
    client.others = answer.members.map(member => member.memberId)
    client.state = 'joined'
  }

  async #sync(client: SimulatedClient): Promise<void> {
    this.#wait(client)
    const { memberId, instance, generation, isLeader, version } = client
    // Each assignment says which leader made it, when and for whom.
    const sent = new Map(client.others.map(other => [other, `${this.#made} ${generation} ${other}`]))
    this.#made++
    if (isLeader && !this.#sent.has(generation)) this.#sent.set(generation, sent)
    const assignments = isLeader ? [...sent].map(([other, text]) => ({ memberId: other, assignment: Buffer.from(text) })) : []
    const syncVersion = version >= 7 ? 5 : version >= 5 ? 3 : 0
    const answer = await this.harness
      .sync({
        memberId,
        instance,
        generation,
        version: syncVersion,
        protocolType: 'x',
        protocolName: syncVersion < 5 ? null : this.#chosen(),
        assignments,
      })
      .catch((error: unknown) => this.#failed(error))
    if (answer === null || answer.errorCode !== ErrorCode.NONE) {
      this.#refused(client, answer?.errorCode ?? ErrorCode.NONE)
      return
    }
    this.seen.synced++
    client.assignment = answer.assignment.toString()
    client.state = 'member'
    const given = this.#sent.get(generation)
    ensure(given !== undefined, 'the leader has spoken before anybody has an assignment')
    for (let id: string | undefined = memberId; id !== undefined; id = this.#former.get(id)) {
      const expected = given?.get(id)
      if (expected === undefined) continue
      ensure(client.assignment === expected, `the assignment is what the leader sent: ${client.assignment}, not ${expected}`)
      return
    }
    ensure(false, `the leader of generation ${generation} was told of member ${memberId}`)
  }

  /** The protocol as members know it from their JoinGroup. */
  #chosen(): string {
    return this.group?.protocolName ?? 'a'
  }

  async #heartbeat(client: SimulatedClient): Promise<void> {
    const errorCode = await this.harness
      .heartbeat(client.memberId, client.generation, { instance: client.instance })
      .catch(() => ErrorCode.NONE)
    if (errorCode === ErrorCode.NONE || client.state !== 'member') return
    this.#refused(client, errorCode)
  }

  #leave(client: SimulatedClient): void {
    client.isGone = true
    if (client.memberId !== '') void this.harness.leave([{ memberId: client.memberId, instance: client.instance }]).catch(() => null)
  }

  #failed(error: unknown): null {
    if (error instanceof KafkaError) return null
    throw error
  }

  /** What clients do with errors: start over, join again, or give up. */
  #refused(client: SimulatedClient, errorCode: number): void {
    client.state = 'out'
    client.assignment = ''
    if (errorCode === ErrorCode.FENCED_INSTANCE_ID) {
      this.seen.fenced++
      client.isGone = true
    } else if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID) {
      this.seen.late++
      client.memberId = ''
      client.generation = -1
    } else if (errorCode === ErrorCode.GROUP_MAX_SIZE_REACHED || errorCode === ErrorCode.INCONSISTENT_GROUP_PROTOCOL) {
      client.memberId = ''
      client.generation = -1
    }
  }
}
