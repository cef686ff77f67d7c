// One consumer group in the hands of a test: `kafka.group('billing')`.
import type { WireClient } from '../wire/wire-client.ts'
import { awaitState, type WaitOptions } from './await-state.ts'
import { endOffsets, startOffsets } from './cluster-state.ts'
import { PartitionReader } from './partition-reader.ts'
import { committedOffsets, describeGroup, type GroupMember, type GroupState } from './group-state.ts'

/** A lag up to this is counted record by record; beyond it the difference of the offsets is near enough. */
const COUNTED = 100

/** When a group counts as stable. */
export interface StableOptions extends WaitOptions {
  /** So many members; at least one by default. */
  readonly members?: number
}

const inWords = ({ members, state, type }: GroupState): string => {
  const list = members.map(({ assignment, clientId, memberId }) => `\n  ${memberId} (client ${clientId}): ${JSON.stringify(assignment)}`)
  return `It is ${state} (${type} protocol) with ${members.length} ${members.length === 1 ? 'member' : 'members'}${list.join('')}`
}

/** See the top of the file. */
export class Group {
  readonly id: string
  readonly #wire: WireClient
  /** The name of a topic as the broker knows it. */
  readonly #nameOf: (topic: string) => string

  constructor(id: string, wire: WireClient, nameOf: (topic: string) => string) {
    this.id = id
    this.#wire = wire
    this.#nameOf = nameOf
  }

  /** State, type and members. */
  state(): Promise<GroupState> {
    return describeGroup(this.#wire, this.id)
  }

  /** Its members with what they are assigned. */
  async members(): Promise<readonly GroupMember[]> {
    return (await this.state()).members
  }

  /** Resolves when the group is stable, every member with the partitions it is to have. Rejects with TimeoutError. */
  stable(options: StableOptions = {}): Promise<GroupState> {
    const { members: wanted } = options
    const goal = wanted === undefined ? 'stable' : `stable with ${wanted} ${wanted === 1 ? 'member' : 'members'}`
    const look = async () => {
      const found = await this.state()
      const count = found.members.length
      const isThere = found.state === 'Stable' && found.isSettled && (wanted === undefined ? count > 0 : count === wanted)
      return isThere ? { found } : { instead: inWords(found) }
    }
    return awaitState(`group ${this.id} ${goal}`, look, options)
  }

  /** Resolves when the group has no members. Rejects with TimeoutError. */
  empty(options: WaitOptions = {}): Promise<GroupState> {
    const look = async () => {
      const found = await this.state()
      return found.members.length === 0 ? { found } : { instead: inWords(found) }
    }
    return awaitState(`group ${this.id} without members`, look, options)
  }

  /** Committed offsets by topic and partition. */
  offsets(): Promise<Record<string, Record<number, number>>>
  /** Committed offsets of a topic by partition. */
  offsets(topic: string): Promise<Record<number, number>>
  async offsets(topic?: string): Promise<Record<string, Record<number, number>> | Record<number, number>> {
    const all = await committedOffsets(this.#wire, this.id)
    return topic === undefined ? all : (all[this.#nameOf(topic)] ?? {})
  }

  /** Records that the group has not committed, of a topic or of all topics that it has committed offsets of. */
  async lag(topic?: string): Promise<number> {
    const committed = await committedOffsets(this.#wire, this.id)
    let total = 0
    for (const name of topic === undefined ? Object.keys(committed) : [this.#nameOf(topic)]) {
      for (const lag of (await this.#lagOf(name, committed[name] ?? {})).values()) total += lag
    }
    return total
  }

  /** Resolves when the group has committed everything that a topic holds. Rejects with TimeoutError. */
  drained(topic: string, options: WaitOptions = {}): Promise<void> {
    const name = this.#nameOf(topic)
    const look = async () => {
      const committed = await committedOffsets(this.#wire, this.id)
      const behind = [...(await this.#lagOf(name, committed[name] ?? {}))].filter(([, lag]) => lag > 0)
      if (behind.length === 0) return { found: undefined }
      const parts = behind.map(([partition, lag]) => {
        const offset = committed[name]?.[partition]
        return `\n  partition ${partition}: ${lag} behind, ${offset === undefined ? 'nothing committed' : `committed ${offset}`}`
      })
      return { instead: `It lags:${parts.join('')}` }
    }
    return awaitState(`group ${this.id} done with topic ${name}`, look, options)
  }

  async #lagOf(topic: string, committed: Readonly<Record<number, number>>): Promise<Map<number, number>> {
    const [starts, ends] = [await startOffsets(this.#wire, topic), await endOffsets(this.#wire, topic)]
    const lags = new Map<number, number>()
    for (const [partition, end] of ends) {
      const from = Math.max(committed[partition] ?? 0, starts.get(partition) ?? 0)
      const lag = Math.max(0, end - from)
      lags.set(partition, lag > 0 && lag <= COUNTED ? await this.#recordsFrom(topic, { partition, from, end }) : lag)
    }
    return lags
  }

  /** Not every offset is a record: markers of transactions have some, and so has what was aborted or compacted. */
  async #recordsFrom(topic: string, { end, from, partition }: { partition: number; from: number; end: number }): Promise<number> {
    const reader = new PartitionReader(this.#wire, topic, { offsets: new Map([[partition, from]]), isolation: 'committed' })
    let count = 0
    for (let at = from; at < end; ) {
      count += (await reader.read(0)).length
      const next = reader.offsets.get(partition) ?? end
      if (next === at) break
      at = next
    }
    return count
  }
}
