// Members of one group that come, go, crash, lose their connection and change their minds, beside a broker that is killed and started again, all by chance and on a
// clock that stands still. Watched: who owns what between `assigned` and the end of `revoked`.
import { createPartitionsApi, createTopicsApi, type Random } from '@ottla/protocol'
import { SimulatedBroker } from '../../packages/broker/src/broker-simulation.ts'
import { createMembership, type MembershipOptions } from '../../packages/client/src/consumer/group/membership.ts'
import type { AssignmentListener, Membership, TopicPartition } from '../../packages/client/src/consumer/parts.ts'
import { delay } from '../../packages/client/src/retry.ts'
import { SimulatedCluster } from './simulated-cluster.ts'

const stepMs = 25
const topics = ['a', 'b', 'c']

/** A member of the simulation. */
class Member {
  readonly name: string
  readonly cluster: SimulatedCluster
  readonly membership: Membership
  /** Whether it may have been put out of the group without hearing of it, so that others may have what it owns. */
  excused = false
  failure: Error | undefined
  subscribed: readonly string[]

  constructor(name: string, cluster: SimulatedCluster, make: (member: Member) => Membership, subscribed: readonly string[]) {
    this.name = name
    this.cluster = cluster
    this.subscribed = subscribed
    this.membership = make(this)
  }
}

/** See the top of the file. */
export class MembershipSimulation {
  readonly #random: Random
  readonly #broker: SimulatedBroker
  readonly #options: Partial<MembershipOptions>
  readonly #owners = new Map<string, Member>()
  readonly #members = new Set<Member>()
  readonly #partitions = new Map(topics.map(topic => [topic, 3]))
  readonly #seed: number
  #made = 0
  #offset = 0
  /** What went wrong. */
  readonly violations: string[] = []
  /** How often partitions were handed over. */
  assignments = 0
  commits = 0
  refusals = 0

  private constructor(seed: number, broker: SimulatedBroker, options: Partial<MembershipOptions>) {
    this.#seed = seed
    this.#broker = broker
    this.#random = broker.random
    this.#options = options
  }

  static async start(seed: number, options: Partial<MembershipOptions>): Promise<MembershipSimulation> {
    const broker = await SimulatedBroker.start(seed)
    const simulation = new MembershipSimulation(seed, broker, options)
    await simulation.#asked(
      broker.ask(createTopicsApi, 7, {
        topics: topics.map(name => ({ name, numPartitions: 3, replicationFactor: 1, assignments: [], configs: [] })),
        timeoutMs: 1_000,
        validateOnly: false,
      }),
    )
    return simulation
  }

  /** Lets things happen, then waits until everything should have come to rest, and looks. */
  async run(events: number): Promise<void> {
    for (let count = 0; count < events; count++) {
      await this.#event()
      await this.#pass(this.#below(4) === 0 ? 6_000 : this.#below(1_500))
    }
    for (const member of this.#members) this.#connect(member)
    if (this.#members.size === 0) this.#join()
    await this.#comeToRest()
    this.violations.push(...this.#unsettled())
    const left = Promise.all([...this.#members].map(member => member.membership.leave()))
    await this.#asked(left)
    if (this.#owners.size > 0) this.#violate(`${[...this.#owners.keys()].join(' ')} is owned after all have left`)
    await this.#asked(this.#broker.close())
  }

  async #event(): Promise<void> {
    const kind = this.#below(12)
    const member = [...this.#members][this.#below(Math.max(1, this.#members.size))]
    if (member === undefined || (kind < 4 && this.#members.size < 6)) return this.#join()
    if (kind === 4) return this.#leave(member)
    if (kind === 5) return this.#crash(member)
    if (kind === 6) return this.#cut(member)
    if (kind === 7) return this.#connect(member)
    if (kind === 8) return this.#resubscribe(member)
    if (kind === 9) return this.#addPartition()
    if (kind === 10) return member.membership.rebalance()
    if (this.#below(3) === 0) await this.#restart()
  }

  #join(): void {
    const cluster = new SimulatedCluster(this.#broker, this.#random)
    cluster.lostAnswers = 0.01
    // Brokers that know the consumer protocol do not take commits of its members in versions from before it.
    cluster.anyVersions = this.#below(2) === 0 && this.#options.groupProtocol !== 'consumer'
    const name = `m${this.#made++}`
    const make = (member: Member): Membership =>
      createMembership(
        cluster,
        { groupId: 'g', sessionTimeout: 10_000, rebalanceTimeout: 20_000, ...this.#options, subscription: { topics: member.subscribed } },
        this.#listener(member),
      )
    const member = new Member(name, cluster, make, this.#someTopics())
    this.#members.add(member)
    member.membership.join().catch(error => {
      if (this.#members.has(member)) member.failure ??= error instanceof Error ? error : new Error(String(error))
    })
  }

  #listener(member: Member): AssignmentListener {
    const busy = (): Promise<void> => delay(this.#broker.clock, this.#below(10) === 0 ? 5_000 : 1 + this.#below(300))
    const drop = (partitions: readonly TopicPartition[]): void => {
      for (const { topic, partition } of partitions) {
        if (this.#owners.get(topic + partition) === member) this.#owners.delete(topic + partition)
      }
    }
    return {
      assigned: async partitions => {
        for (const partition of partitions) this.#take(member, partition)
        await busy()
      },
      revoked: async partitions => {
        await busy()
        await this.#commit(member, partitions)
        drop(partitions)
      },
      lost: async partitions => {
        drop(partitions)
        await busy()
      },
      failed: error => {
        member.failure = error
      },
    }
  }

  /** Offsets only go up: who commits a lower one than is there was not the owner. */
  async #commit(member: Member, partitions: readonly TopicPartition[]): Promise<void> {
    if (!this.#members.has(member) || partitions.length === 0) return
    const offsets = partitions.map(partition => ({ ...partition, offset: ++this.#offset }))
    try {
      await member.membership.commit(offsets)
      const committed = await member.membership.committed(partitions)
      const behind = committed.filter(
        ({ topic, partition, offset }) => offset < (offsets.find(own => own.topic === topic && own.partition === partition)?.offset ?? 0),
      )
      if (behind.length > 0) this.#violate(`${member.name} does not find what it has committed`)
      this.commits++
    } catch {
      this.refusals++
    }
  }

  #take(member: Member, { topic, partition }: TopicPartition): void {
    if (!this.#members.has(member)) return
    this.assignments++
    const owner = this.#owners.get(topic + partition)
    if (owner !== undefined && !owner.excused) this.#violate(`${topic}${partition} is given to ${member.name} while ${owner.name} has it`)
    this.#owners.set(topic + partition, member)
  }

  #leave(member: Member): void {
    this.#members.delete(member)
    void member.membership.leave().then(() => member.cluster.disconnect())
  }

  /** The process is gone: it says nothing any more, and works on nothing. */
  #crash(member: Member): void {
    this.#members.delete(member)
    member.cluster.cutOff = true
    for (const [key, owner] of this.#owners) if (owner === member) this.#owners.delete(key)
    void member.membership.leave()
  }

  #cut(member: Member): void {
    member.cluster.cutOff = true
    member.excused = true
    if (this.#below(2) === 0) member.cluster.break()
  }

  #connect(member: Member): void {
    member.cluster.cutOff = false
    member.cluster.break()
  }

  #resubscribe(member: Member): void {
    member.subscribed = this.#someTopics()
    void member.membership.subscribe({ topics: member.subscribed })
  }

  async #addPartition(): Promise<void> {
    const name = topics[this.#below(topics.length)] ?? 'a'
    const count = (this.#partitions.get(name) ?? 0) + 1
    if (count > 8) return
    this.#partitions.set(name, count)
    const body = { topics: [{ name, count, assignments: null }], timeoutMs: 1_000, validateOnly: false }
    await this.#asked(this.#broker.ask(createPartitionsApi, 3, body))
    for (const member of this.#members) member.cluster.refresh().catch(() => undefined)
  }

  async #restart(): Promise<void> {
    await this.#asked(this.#broker.restart(this.#below(2) === 0 ? 'stop' : 'kill'))
    for (const member of this.#members) member.cluster.break()
  }

  /** All is as it should be at the end of a longest session, and still a while later; there is time for more than one. */
  async #comeToRest(): Promise<void> {
    await this.#pass(50_000)
    for (let passed = 50_000, quiet = 0; passed < 120_000 && quiet < 2; passed += 5_000) {
      quiet = this.#unsettled().length === 0 ? quiet + 1 : 0
      await this.#pass(5_000)
    }
  }

  /** What is not as it should be once nothing happens any more. */
  #unsettled(): string[] {
    const found: string[] = []
    for (const { name, failure } of this.#members) if (failure !== undefined) this.#note(found, `${name} failed: ${failure.stack}`)
    for (const [topic, count] of this.#partitions) {
      const wanted = [...this.#members].some(({ subscribed }) => subscribed.includes(topic))
      for (let partition = 0; partition < count; partition++) {
        const owner = this.#owners.get(topic + partition)
        if (wanted && owner === undefined) this.#note(found, `nobody has ${topic}${partition}`)
        if (owner !== undefined && !owner.subscribed.includes(topic))
          this.#note(found, `${owner.name} has ${topic}${partition} and does not want it`)
        const own = [...this.#members].filter(({ membership }) =>
          membership.assignment.some(other => other.topic === topic && other.partition === partition),
        )
        if (own.length > 1) this.#note(found, `${own.map(({ name }) => name).join(' and ')} both have ${topic}${partition}`)
      }
    }
    return found
  }

  #someTopics(): string[] {
    const chosen = topics.filter(() => this.#below(3) > 0)
    return chosen.length === 0 ? ['a'] : chosen
  }

  #violate(text: string): void {
    this.#note(this.violations, text)
  }

  #note(violations: string[], text: string): void {
    violations.push(`seed ${this.#seed}, at ${this.#broker.clock.monotonic()} ms: ${text}`)
  }

  #below(limit: number): number {
    return Math.floor(this.#random.next() * limit)
  }

  async #asked<T>(promise: Promise<T>): Promise<T> {
    const asked = { settled: false }
    const done = (): void => {
      asked.settled = true
    }
    promise.then(done, done)
    for (let steps = 0; !asked.settled && steps < 4_000; steps++) await this.#pass(stepMs)
    return promise
  }

  async #pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.#broker.clock.advance(stepMs)
      for (let turns = 0; turns < 3; turns++) await new Promise(resolve => setImmediate(resolve))
    }
  }
}
