// All scenarios, and how they are played to a broker.
import { administration } from './administration.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeGroupsApi, findCoordinatorApi, initProducerIdApi } from '@ottla/protocol'
import { Wire } from '../wire.ts'
import { classicMembers } from './classic-members.ts'
import { classicRebalances } from './classic-rebalances.ts'
import { consumerMembers } from './consumer-members.ts'
import { crossProtocol } from './cross-protocol.ts'
import { offsets } from './offsets.ts'
import { groupSettings } from './group-settings.ts'
import { type Answer, type Scenario, Talk } from './talk.ts'

export const scenarios: Readonly<Record<string, Scenario>> = {
  ...classicMembers,
  ...classicRebalances,
  ...consumerMembers,
  ...crossProtocol,
  ...offsets,
  ...administration,
  ...groupSettings,
}

/** Of the broker: nobody waits for members that may come. */
export const settings = {
  'group.initial.rebalance.delay.ms': '0',
  'group.consumer.assignment.interval.ms': '0',
  'offsets.topic.num.partitions': '4',
}

/** Plays one scenario. */
export async function play(port: number, name: string): Promise<Answer[]> {
  const scenario = scenarios[name]
  if (scenario === undefined) throw new Error(`there is no scenario ${name}`)
  const talk = new Talk(port, name.replaceAll(/\W+/g, '-'))
  try {
    await scenario(talk)
    return talk.answers()
  } finally {
    await talk[Symbol.asyncDispose]()
  }
}

/** Waits until the broker's coordinators serve, so that no answer says that they are coming. */
export async function prepare(port: number): Promise<void> {
  await using wire = await Wire.connect(port)
  for (const keyType of [0, 1]) {
    for (;;) {
      const { coordinators } = await wire.ask(findCoordinatorApi, 4, { keyType, coordinatorKeys: ['ready'] })
      if (coordinators[0]?.errorCode === 0) break
      await sleep(100)
    }
  }
  const groups = Array.from({ length: 64 }, (_, index) => `ready-${index}`)
  for (;;) {
    const answer = await wire.ask(describeGroupsApi, 5, { groups })
    if (answer.groups.every(({ errorCode }) => errorCode === 0)) break
    await sleep(100)
  }
  for (let served = 0; served < 16; ) {
    const transactionalId = `ready-${served}`
    const { errorCode } = await wire.ask(initProducerIdApi, 4, { transactionalId, transactionTimeoutMs: 10_000 })
    if (errorCode === 0) served += 1
    else await sleep(100)
  }
}
