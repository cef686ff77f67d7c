// The handlers of groups over a stand-in for the coordinator, for tests of what they do themselves.
import type { Decision, GroupPartition } from '@ottla/coordinator'
import { type AnyApi, createTopicsApi, ManualClock, type RequestInitOf, type ResponseOf } from '@ottla/protocol'
import { silentLogger } from '@ottla/metadata'
import type { GroupService } from '../coordinator/group-coordinator.ts'
import { Slices } from '../replica/slices.ts'
import type { AnyHandler } from '../requests/handler.ts'
import { askOne, TestAdministration } from './administration-testing.ts'
import { groupHandlers } from './group-handlers.ts'

type Commands = Omit<GroupPartition, 'offsets' | 'administration'> & GroupPartition['offsets'] & GroupPartition['administration']

const unwanted = (): never => {
  throw new Error('the test does not expect that the coordinator is asked this')
}

/** A state machine of which the test gives those commands that it needs. */
const partitionOf = (commands: Partial<Commands>): GroupPartition => {
  const all: Commands = {
    join: unwanted,
    sync: unwanted,
    heartbeat: unwanted,
    leave: unwanted,
    consumerHeartbeat: unwanted,
    commit: unwanted,
    commitTransactional: unwanted,
    fetch: unwanted,
    deleteOffsets: unwanted,
    list: unwanted,
    describeClassic: unwanted,
    describeConsumer: unwanted,
    delete: unwanted,
    ...commands,
  }
  return { ...all, offsets: all, administration: all }
}

/** A coordinator with two partitions: of groups with an odd number of letters in their id, and of the others. */
class StandIn implements GroupService {
  commands: Partial<Commands> = {}
  /** Groups that were asked for, by the first of each question. */
  readonly asked: string[] = []

  partitionOf(groupId: string): number {
    return groupId.length % 2
  }

  async run<R>(groupId: string, decide: (groups: GroupPartition) => Decision<R>): Promise<R> {
    this.asked.push(groupId)
    return decide(partitionOf(this.commands)).reply
  }

  eachLed<R>(decide: (groups: GroupPartition) => Decision<R>): (R | Promise<R>)[] {
    return [this.run('', decide), this.run('', decide)]
  }
}

/** See the top of the file. There is a topic `t` with two partitions. */
export class TestGroups {
  readonly administration: TestAdministration
  readonly service = new StandIn()
  readonly slices: Slices
  readonly topicId: string
  readonly #handlers: readonly AnyHandler[]

  private constructor(administration: TestAdministration, slices: Slices) {
    this.administration = administration
    const { metadata, config } = administration
    this.topicId = metadata.image.topic('t')?.id ?? ''
    this.slices = slices
    this.#handlers = groupHandlers({ groups: this.service, metadata, config, slices: this.slices, logger: silentLogger })
  }

  static async open(settings: Record<string, string> = {}, slices: Slices = new Slices(new ManualClock())): Promise<TestGroups> {
    const administration = await TestAdministration.open(settings)
    const topic = { name: 't', numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }
    await administration.ask(createTopicsApi, 7, { topics: [topic], timeoutMs: 1000 })
    return new TestGroups(administration, slices)
  }

  /** Asks a handler; the coordinator answers by the commands that are set. */
  ask<A extends AnyApi>(api: A, version: number, body: RequestInitOf<A>): Promise<ResponseOf<A>> {
    return askOne(this.#handlers, api, { version, body })
  }

  close(): Promise<void> {
    return this.administration.close()
  }
}
