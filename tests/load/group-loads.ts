// What a broker's groups are put through. Every answer is checked; times are wall-clock seconds as the clients see them.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import {
  consumerGroupHeartbeatApi,
  createTopicsApi,
  encodeRequest,
  ErrorCode,
  findCoordinatorApi,
  heartbeatApi,
  joinGroupApi,
  offsetCommitApi,
  type ResponseOf,
  syncGroupApi,
} from '@ottla/protocol'
import { Kafka, logLevel } from 'kafkajs'
import { cpuSeconds } from '../compat/broker.ts'
import type { Measured } from './kafka.ts'
import { Pipe } from './pipe.ts'

type TopicPartitions = NonNullable<ResponseOf<typeof consumerGroupHeartbeatApi>['assignment']>['topicPartitions']

const now = () => performance.now() / 1000
const retriable: ReadonlySet<number> = new Set([
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
])

const expectNone = (code: number | undefined, what: string): void => {
  if (code !== ErrorCode.NONE) throw new Error(`${what}: error ${code}`)
}

/** Makes a topic, and waits until the coordinator of a group answers. */
export async function prepare({ port }: Measured, topic: string, partitions: number): Promise<void> {
  const pipe = await Pipe.open(port)
  const topics = [{ name: topic, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] }]
  const created = await pipe.ask(createTopicsApi, 5, { topics, timeoutMs: 30_000, validateOnly: false })
  const code = created.topics[0]?.errorCode
  if (code !== ErrorCode.TOPIC_ALREADY_EXISTS) expectNone(code, 'create topic')
  for (;;) {
    const found = await pipe.ask(findCoordinatorApi, 3, { key: 'ready', keyType: 0 })
    if (found.errorCode === ErrorCode.NONE) break
    await sleep(100)
  }
  pipe.close()
}

/** OffsetCommit of one partition over 16 connections, one request under way on each: commits a second. */
export async function commits(broker: Measured, seconds: number): Promise<number> {
  const end = now() + seconds
  let done = 0
  const work = async (index: number) => {
    const pipe = await Pipe.open(broker.port)
    const groupId = `commit-${index}`
    for (let offset = 0; now() < end; offset++) {
      const partition = { partitionIndex: 0, committedOffset: offset, committedLeaderEpoch: -1, committedMetadata: '' }
      const body = { groupId, generationIdOrMemberEpoch: -1, memberId: '', topics: [{ name: 'load', partitions: [partition] }] }
      const answer = await pipe.ask(offsetCommitApi, 7, body)
      const code = answer.topics[0]?.partitions[0]?.errorCode
      if (code === undefined || !retriable.has(code)) expectNone(code, 'commit')
      else await sleep(20)
      if (code === ErrorCode.NONE) done++
    }
    pipe.close()
  }
  const started = now()
  await Promise.all(Array.from({ length: 16 }, (_, index) => work(index)))
  return done / (now() - started)
}

/** The longest that another client waited for an answer while `work` ran, in seconds. */
const longestWait = async (broker: Measured, work: () => Promise<unknown>): Promise<number> => {
  const client = new Worker(new URL('./waiting-client.js', import.meta.url), { workerData: broker.port })
  await once(client, 'message')
  const longest = once(client, 'message')
  await work()
  client.postMessage('end', [])
  const [seconds]: unknown[] = await longest
  return Number(seconds)
}

const uuid = (index: number) => `${'A'.repeat(17)}${String(index).padStart(4, '0')}A`

/** `count` members join a consumer group (KIP-848) over 16 connections: seconds until all have what they shall have, and the longest stall. */
export async function manyMembers(broker: Measured, count: number, group: string): Promise<{ seconds: number; stall: number }> {
  const pipes = await Promise.all(Array.from({ length: 16 }, () => Pipe.open(broker.port)))
  const members = pipes.flatMap((pipe, lane) =>
    Array.from({ length: Math.ceil((count - lane) / pipes.length) }, (_, index) => ({
      id: uuid(index * pipes.length + lane),
      epoch: 0,
      owned: 0,
      pipe,
    })),
  )
  const beat = async (member: (typeof members)[number]): Promise<void> => {
    const isNew = member.epoch === 0
    let owned: TopicPartitions | null = isNew ? [] : null
    do {
      const answer = await member.pipe.ask(consumerGroupHeartbeatApi, 1, {
        groupId: group,
        memberId: member.id,
        memberEpoch: member.epoch,
        rebalanceTimeoutMs: member.epoch === 0 ? 60_000 : -1,
        subscribedTopicNames: member.epoch === 0 ? ['load'] : null,
        topicPartitions: owned,
      })
      if (retriable.has(answer.errorCode)) {
        await sleep(20)
        return
      }
      expectNone(answer.errorCode, `heartbeat of ${member.id}: ${answer.errorMessage}`)
      member.epoch = answer.memberEpoch
      owned = answer.assignment?.topicPartitions ?? null
      if (owned !== null) member.owned = owned.reduce((sum, { partitions }) => sum + partitions.length, 0)
      // What was assigned, or taken away, is confirmed at once.
    } while (owned !== null)
  }
  const settle = async () => {
    for (;;) {
      await Promise.all(members.map(beat))
      const epochs = new Set(members.map(({ epoch }) => epoch))
      if (epochs.size === 1 && members.every(({ owned }) => owned === 1)) return
    }
  }
  let seconds = 0
  const stall = await longestWait(broker, async () => {
    const started = now()
    await settle()
    seconds = now() - started
  })
  for (const pipe of pipes) pipe.close()
  return { seconds, stall }
}

const joined = async (pipe: Pipe, groupId: string) => {
  const protocols = [{ name: 'range', metadata: Buffer.from('00000000000100046c6f6164ffffffff', 'hex') }]
  const body = { groupId, sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 30_000, memberId: '', protocolType: 'consumer', protocols }
  let join = await pipe.ask(joinGroupApi, 4, body)
  while (retriable.has(join.errorCode)) {
    await sleep(50)
    join = await pipe.ask(joinGroupApi, 4, body)
  }
  if (join.errorCode === ErrorCode.MEMBER_ID_REQUIRED) join = await pipe.ask(joinGroupApi, 4, { ...body, memberId: join.memberId })
  expectNone(join.errorCode, 'join')
  const { generationId, memberId } = join
  const assignments = [{ memberId, assignment: Buffer.from('00000000000100046c6f61640000000100000000ffffffff', 'hex') }]
  const sync = await pipe.ask(syncGroupApi, 2, { groupId, generationId, memberId, assignments })
  expectNone(sync.errorCode, 'sync')
  return { groupId, generationId, memberId }
}

/** `count` groups of one member, each heartbeating every three seconds: the share of one core that the broker needs. */
export async function manyGroups(broker: Measured, count: number, seconds: number): Promise<number> {
  const pipes = await Promise.all(Array.from({ length: 64 }, () => Pipe.open(broker.port)))
  const groups: { groupId: string; generationId: number; memberId: string; pipe: Pipe; frame: Buffer }[] = []
  await Promise.all(
    pipes.map(async (pipe, lane) => {
      for (let index = lane; index < count; index += pipes.length) {
        const member = await joined(pipe, `many-${index}`)
        const request = { api: heartbeatApi, version: 3, correlationId: 7, clientId: 'load', body: member }
        groups.push({ ...member, pipe, frame: Buffer.concat(encodeRequest(request)) })
      }
    }),
  )
  const before = cpuSeconds(broker.pid)
  const started = now()
  const ROUND_S = 3
  for (let round = 0; round * ROUND_S < seconds; round++) {
    const answers: Promise<Buffer>[] = []
    for (let slice = 0; slice < 100; slice++) {
      for (let index = slice; index < groups.length; index += 100) {
        const group = groups[index]
        if (group !== undefined) answers.push(group.pipe.send(group.frame))
      }
      const due = started + round * ROUND_S + ((slice + 1) * ROUND_S) / 100
      await sleep(Math.max(0, (due - now()) * 1000))
    }
    // Behind correlation id and throttle time of version 3.
    for (const answer of await Promise.all(answers)) expectNone(answer.readInt16BE(8), 'heartbeat')
  }
  const share = (cpuSeconds(broker.pid) - before) / (now() - started)
  for (const pipe of pipes) pipe.close()
  return share
}

/** Three KafkaJS consumers begin one after the other: seconds from the third's start until it has its share. */
export async function kafkajsRebalance(broker: Measured, groupId: string): Promise<number> {
  const kafka = new Kafka({ brokers: [`127.0.0.1:${broker.port}`], logLevel: logLevel.NOTHING })
  const consumers = []
  let seconds = 0
  for (let index = 0; index < 3; index++) {
    const consumer = kafka.consumer({ groupId, heartbeatInterval: 100 })
    const started = now()
    const ready = new Promise<void>(resolve => void consumer.on(consumer.events.GROUP_JOIN, () => resolve()))
    await consumer.connect()
    await consumer.subscribe({ topic: 'load' })
    await consumer.run({ eachMessage: async () => undefined })
    await ready
    seconds = now() - started
    consumers.push(consumer)
  }
  await Promise.all(consumers.map(consumer => consumer.disconnect()))
  return seconds
}
