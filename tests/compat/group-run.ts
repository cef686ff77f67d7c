// A consumer group under test: a topic of its own, a producer that goes on writing numbered records, the members, what they were
// delivered, and what the broker keeps as committed.
import { setTimeout as sleep } from 'node:timers/promises'
import {
  BatchBuilder,
  consumerGroupDescribeApi,
  createTopicsApi,
  describeGroupsApi,
  ErrorCode,
  listOffsetsApi,
  offsetFetchApi,
  produceApi,
} from '@ottla/protocol'
import { type Delivered, Member } from './group-member.ts'
import type { Program } from './programs.ts'
import { Wire } from './wire.ts'

/** How a group is run. */
export interface GroupPlace {
  readonly port: number
  readonly program: Extract<Program, { command: string }>
  /** Names the topic and the group. */
  readonly name: string
  readonly partitions: number
  /** Options of every member. */
  readonly options: Readonly<Record<string, string>>
}

/** A record that was delivered again. */
export interface Redelivery extends Delivered {
  readonly phase: string
  readonly earlier: string
}

/** Creates a topic, over a connection of its own. */
export async function createTopic(port: number, name: string, numPartitions: number): Promise<void> {
  await using wire = await Wire.connect(port)
  const created = await wire.ask(createTopicsApi, 7, {
    topics: [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 10_000,
  })
  const topic = created.topics[0]
  if (topic?.errorCode !== ErrorCode.NONE) throw new Error(`no topic ${name}: ${topic?.errorMessage}`)
}

/** The value of a record, by which it is known again. */
const valueOf = (partition: number, offset: number) => `${partition}/${offset}`

/** See the top of the file. */
export class GroupRun implements AsyncDisposable {
  readonly #place: GroupPlace
  #wire: Wire
  readonly #members = new Set<Member>()
  /** Partition -> member that was first delivered each offset. */
  readonly #delivered = new Map<string, (string | undefined)[]>()
  readonly #ends: number[]
  readonly redelivered: Redelivery[] = []
  /** What must not happen: other records than were written, records again that were committed before the phase. */
  readonly wrong: string[] = []
  #phase = 'start'
  #floor: ReadonlyMap<string, number> = new Map()
  /** Partition -> the last commit that a member was told of. */
  readonly #acknowledged = new Map<string, number>()
  #producing: Promise<void> | undefined
  #stopped = false

  private constructor(place: GroupPlace, wire: Wire) {
    this.#place = place
    this.#wire = wire
    this.#ends = Array.from({ length: place.partitions }, () => 0)
  }

  /** Creates the topic and begins to produce. */
  static async start(place: GroupPlace): Promise<GroupRun> {
    await createTopic(place.port, place.name, place.partitions)
    const run = new GroupRun(place, await Wire.connect(place.port))
    run.#beginProducing()
    return run
  }

  #beginProducing(): void {
    this.#stopped = false
    this.#producing = this.#produce()
    this.#producing.catch((error: unknown) => this.wrong.push(`the producer failed: ${String(error)}`))
  }

  /** Lets the broker go and come back; nothing is produced meanwhile. What was committed before may not come again. */
  async restarted(phase: string, broker: { stop(): Promise<unknown>; start(): Promise<void> }): Promise<void> {
    this.#stopped = true
    await this.#producing
    await this.#wire[Symbol.asyncDispose]()
    await broker.stop()
    // What the members printed until now is read before anything can come again.
    await sleep(200)
    this.#phase = phase
    this.#floor = new Map(this.#acknowledged)
    await broker.start()
    this.#wire = await Wire.connect(this.#place.port)
    this.#beginProducing()
  }

  #partitionName(number: number): string {
    return `${this.#place.name}-${number}`
  }

  async #produce(): Promise<void> {
    await using wire = await Wire.connect(this.#place.port)
    while (!this.#stopped) {
      const partitionData = this.#ends.map((end, index) => {
        const builder = new BatchBuilder({ compression: 'none' })
        for (let offset = end; offset < end + 3; offset++)
          builder.append({ timestamp: Date.now(), key: Buffer.from(`k${offset}`), value: Buffer.from(valueOf(index, offset)), headers: [] })
        return { index, records: builder.build().bytes }
      })
      const topicData = [{ name: this.#place.name, partitionData }]
      const answer = await wire.ask(produceApi, 9, { transactionalId: null, acks: -1, timeoutMs: 10_000, topicData })
      for (const { index, errorCode, baseOffset } of answer.responses[0]?.partitionResponses ?? []) {
        // The leader of a new topic may not know yet that it leads.
        if (errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER || errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) continue
        if (errorCode !== ErrorCode.NONE || baseOffset !== this.#ends[index])
          throw new Error(`produce: error ${errorCode}, offset ${baseOffset}`)
        this.#ends[index] = baseOffset + 3
      }
      await sleep(150)
    }
  }

  #deliver(record: Delivered): void {
    const { partition, offset, member } = record
    const number = Number(partition.slice(partition.lastIndexOf('-') + 1))
    if (record.value !== valueOf(number, offset) || record.key !== `k${offset}`)
      this.wrong.push(`${member} was delivered ${JSON.stringify(record)}`)
    const offsets = this.#delivered.get(partition) ?? []
    this.#delivered.set(partition, offsets)
    const earlier = offsets[offset]
    if (earlier === undefined) {
      offsets[offset] = member
      return
    }
    this.redelivered.push({ ...record, phase: this.#phase, earlier })
    const floor = this.#floor.get(partition) ?? -1
    if (offset < floor) this.wrong.push(`${this.#phase}: ${member} was delivered ${partition} ${offset} again, committed is ${floor}`)
  }

  /** Starts a member. */
  join(name: string, options: Readonly<Record<string, string>> = {}): Member {
    const member = new Member(this.#place.program, {
      bootstrap: `127.0.0.1:${this.#place.port}`,
      group: this.#place.name,
      topic: this.#place.name,
      name,
      options: { ...this.#place.options, ...options },
      onRecord: record => this.#deliver(record),
      onCommitted: (partition, offset) => this.#acknowledged.set(partition, offset),
    })
    this.#members.add(member)
    return member
  }

  /** From here on nothing may come again that is committed now. */
  async beginPhase(phase: string): Promise<void> {
    this.#floor = await this.committed()
    this.#phase = phase
  }

  async #until(what: string, holds: () => boolean, timeoutMs = 90_000): Promise<void> {
    const deadline = Date.now() + timeoutMs
    while (!holds()) {
      if (Date.now() > deadline || this.wrong.length > 0 || [...this.#members].some(member => member.crashed)) {
        const owned = [...this.#members].map(member => `${member.name} owns ${[...member.assigned].join(' ') || '-'}; ${member.story}`)
        throw new Error(`${this.#phase}: ${what} did not come:\n${[...this.wrong.slice(0, 5), ...owned].join('\n')}`)
      }
      await sleep(20)
    }
  }

  /** Waits until the members own all partitions between them, as many each, and then were delivered new records of each. */
  async shared(...members: Member[]): Promise<void> {
    const { partitions } = this.#place
    const evenly = () =>
      members.every(member => member.assigned.size === partitions / members.length) &&
      new Set(members.flatMap(member => [...member.assigned])).size === partitions
    const names = members.map(member => member.name).join(', ')
    await this.#until(`an even share of ${names}`, evenly)
    const ends = [...this.#ends]
    const readOn = () => ends.every((end, number) => (this.#delivered.get(this.#partitionName(number))?.length ?? 0) > end + 6)
    await this.#until(`an even share of ${names} and new records of every partition`, () => evenly() && readOn())
  }

  /** Stops producing and waits until everything was delivered. */
  async drain(): Promise<void> {
    this.#stopped = true
    await this.#producing
    await this.#until('all records', () => this.missing().length === 0).catch(() => {})
  }

  /** Records that were never delivered. */
  missing(): string[] {
    return this.#ends.flatMap((end, number) => {
      const partition = this.#partitionName(number)
      const offsets = this.#delivered.get(partition) ?? []
      return Array.from({ length: end }, (_, offset) => offset)
        .filter(offset => offsets[offset] === undefined)
        .map(offset => `${partition} ${offset}`)
    })
  }

  /** Partition -> its end, as the broker says. */
  async ends(): Promise<Map<string, number>> {
    const partitions = this.#ends.map((_, partitionIndex) => ({ partitionIndex, timestamp: -1 }))
    const topics = [{ name: this.#place.name, partitions }]
    const answer = await this.#wire.ask(listOffsetsApi, 6, { replicaId: -1, isolationLevel: 0, topics })
    return new Map(answer.topics[0]?.partitions.map(found => [this.#partitionName(found.partitionIndex), found.offset]))
  }

  /** Partition -> the group's committed offset. */
  async committed(): Promise<Map<string, number>> {
    const partitionIndexes = this.#ends.map((_, number) => number)
    const groups = [{ groupId: this.#place.name, topics: [{ name: this.#place.name, partitionIndexes }] }]
    const answer = await this.#wire.ask(offsetFetchApi, 8, { groups, requireStable: true })
    const group = answer.groups[0]
    if (group?.errorCode !== ErrorCode.NONE) throw new Error(`OffsetFetch: error ${group?.errorCode}`)
    return new Map(group.topics[0]?.partitions.map(found => [this.#partitionName(found.partitionIndex), found.committedOffset]))
  }

  /** The client ids of the members that the broker knows, in order. */
  async memberNames(protocol = this.#place.options.protocol): Promise<string[]> {
    if (protocol === 'consumer') {
      const request = { groupIds: [this.#place.name], includeAuthorizedOperations: false }
      const answer = await this.#wire.ask(consumerGroupDescribeApi, 0, request)
      return (answer.groups[0]?.members ?? []).map(member => member.clientId).toSorted()
    }
    const answer = await this.#wire.ask(describeGroupsApi, 4, { groups: [this.#place.name], includeAuthorizedOperations: false })
    return (answer.groups[0]?.members ?? []).map(member => member.clientId).toSorted()
  }

  /** Kills what still runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    await Promise.all([...this.#members].filter(member => member.running).map(member => member.kill()))
    await this.#producing?.catch(() => {})
    await this.#wire[Symbol.asyncDispose]()
  }
}
