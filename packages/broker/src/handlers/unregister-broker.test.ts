import { createTopicsApi, describeClusterApi, ErrorCode, unregisterBrokerApi } from '@ottla/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { TestAdministration } from './administration-testing.ts'

const open: TestAdministration[] = []
const start = async (): Promise<TestAdministration> => {
  const test = await TestAdministration.open({}, [{ id: 1 }, { id: 2 }])
  open.push(test)
  return test
}
afterEach(async () => {
  for (const test of open.splice(0)) await test.close()
})

const brokersOf = async (test: TestAdministration) =>
  (await test.ask(describeClusterApi, 2, { includeClusterAuthorizedOperations: false, includeFencedBrokers: true })).brokers.map(
    ({ brokerId }) => brokerId,
  )

describe('UnregisterBroker', () => {
  it('does not know a broker that was never there', async () => {
    const test = await start()
    expect(await test.ask(unregisterBrokerApi, 0, { brokerId: 7 })).toMatchObject({
      errorCode: ErrorCode.BROKER_ID_NOT_REGISTERED,
      errorMessage: 'Broker ID 7 is not currently registered',
    })
  })

  it('takes out a broker that has stopped, and no other', async () => {
    const test = await start()
    expect(await test.ask(unregisterBrokerApi, 0, { brokerId: 2 })).toMatchObject({
      errorCode: ErrorCode.INVALID_REQUEST,
      errorMessage: 'Broker 2 is running: stop it first.',
    })
    await test.stopBroker(2)
    expect(await brokersOf(test)).toEqual([1, 2])
    expect(await test.ask(unregisterBrokerApi, 0, { brokerId: 2 })).toMatchObject({ errorCode: ErrorCode.NONE, errorMessage: null })
    expect(await brokersOf(test)).toEqual([1])
  })

  it('keeps a broker that a partition may still elect', async () => {
    const test = await start()
    const topic = { name: 't', numPartitions: 1, replicationFactor: 2, assignments: [], configs: [] }
    await test.ask(createTopicsApi, 7, { topics: [topic], timeoutMs: 1000 })
    await test.stopBroker(2)
    expect((await test.ask(unregisterBrokerApi, 0, { brokerId: 2 })).errorMessage).toBe(
      'Broker 2 may still lead partition t-0: move its replicas to other brokers first.',
    )
  })
})
