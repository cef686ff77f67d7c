import { createTopicsApi, ErrorCode, incrementalAlterConfigsApi, listConfigResourcesApi } from '@ottla/protocol'
import { afterEach, expect, it } from 'vitest'
import { ConfigOperation } from '../controller/index.ts'
import { TestAdministration } from './administration-testing.ts'
import { ResourceType } from './config-resources.ts'

const { TOPIC, BROKER, BROKER_LOGGER, GROUP, CLIENT_METRICS } = ResourceType

const open: TestAdministration[] = []
afterEach(async () => {
  for (const test of open.splice(0)) await test.close()
})

const start = async (): Promise<TestAdministration> => {
  const test = await TestAdministration.open({}, [{ id: 1 }, { id: 2 }])
  open.push(test)
  const topic = { name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
  await test.ask(createTopicsApi, 7, { topics: [topic], timeoutMs: 1000 })
  for (const [resourceType, resourceName, name] of [
    [GROUP, 'g', 'consumer.session.timeout.ms'],
    [CLIENT_METRICS, 'm', 'interval.ms'],
  ] as const) {
    const configs = [{ name, configOperation: ConfigOperation.SET, value: '50000' }]
    await test.ask(incrementalAlterConfigsApi, 1, { resources: [{ resourceType, resourceName, configs }], validateOnly: false })
  }
  return test
}

it('lists what has settings, by type', async () => {
  const test = await start()
  const list = async (resourceTypes: number[], version = 1) => {
    const { errorCode, configResources } = await test.ask(listConfigResourcesApi, version, version === 0 ? {} : { resourceTypes })
    return [errorCode, ...configResources.map(({ resourceName, resourceType }) => `${resourceType} ${resourceName}`)]
  }
  const all = [`${GROUP} g`, `${CLIENT_METRICS} m`, `${BROKER_LOGGER} 1`, `${BROKER_LOGGER} 2`, `${BROKER} 1`, `${BROKER} 2`, `${TOPIC} t`]
  expect(await list([])).toEqual([0, ...all])
  expect(await list([TOPIC, GROUP, TOPIC])).toEqual([0, `${GROUP} g`, `${TOPIC} t`])
  expect(await list([TOPIC, 3])).toEqual([ErrorCode.UNSUPPORTED_VERSION])
  expect(await list([], 0)).toEqual([0, `${CLIENT_METRICS} m`])
})

it('forgets what has no settings any more', async () => {
  const test = await start()
  const configs = [{ name: 'consumer.session.timeout.ms', configOperation: ConfigOperation.DELETE, value: null }]
  await test.ask(incrementalAlterConfigsApi, 1, { resources: [{ resourceType: GROUP, resourceName: 'g', configs }], validateOnly: false })
  expect((await test.ask(listConfigResourcesApi, 1, { resourceTypes: [GROUP] })).configResources).toEqual([])
})
