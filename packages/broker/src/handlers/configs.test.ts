import { alterConfigsApi, createTopicsApi, describeConfigsApi, ErrorCode, incrementalAlterConfigsApi } from '@ottla/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { ConfigOperation } from '../controller/index.ts'
import { TestAdministration } from './administration-testing.ts'
import { ResourceType } from './config-resources.ts'

const { SET, DELETE, APPEND, SUBTRACT } = ConfigOperation
const { TOPIC, BROKER, BROKER_LOGGER, GROUP, CLIENT_METRICS } = ResourceType

const open: TestAdministration[] = []
const start = async (): Promise<TestAdministration> => {
  const test = await TestAdministration.open()
  open.push(test)
  const topic = { name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
  await test.ask(createTopicsApi, 7, { topics: [topic], timeoutMs: 1000 })
  return test
}
afterEach(async () => {
  for (const test of open.splice(0)) await test.close()
})

type Operation = [name: string, configOperation: number, value: string | null]
const alter = async (test: TestAdministration, resource: [type: number, name: string], operations: Operation[], validateOnly = false) => {
  const [resourceType, resourceName] = resource
  const configs = operations.map(([name, configOperation, value]) => ({ name, configOperation, value }))
  const { responses } = await test.ask(incrementalAlterConfigsApi, 1, {
    resources: [{ resourceType, resourceName, configs }],
    validateOnly,
  })
  return [responses[0]?.errorCode, responses[0]?.errorMessage]
}
const describeOne = async (test: TestAdministration, resource: [type: number, name: string], names: string[] | null = null) => {
  const resources = [{ resourceType: resource[0], resourceName: resource[1], configurationKeys: names }]
  const { results } = await test.ask(describeConfigsApi, 4, { resources, includeSynonyms: true, includeDocumentation: true })
  return results[0]!
}
const valueOf = async (test: TestAdministration, resource: [type: number, name: string], name: string) =>
  (await describeOne(test, resource, [name])).configs[0]?.value

describe('IncrementalAlterConfigs', () => {
  it('sets, appends, subtracts and deletes', async () => {
    const test = await start()
    const t: [number, string] = [TOPIC, 't']
    expect(await alter(test, t, [['retention.ms', SET, '60000']])).toEqual([0, null])
    expect(await alter(test, t, [['cleanup.policy', APPEND, 'compact']])).toEqual([0, null])
    expect(await valueOf(test, t, 'cleanup.policy')).toBe('delete,compact')
    expect(await alter(test, t, [['cleanup.policy', SUBTRACT, 'delete']])).toEqual([0, null])
    expect(await valueOf(test, t, 'cleanup.policy')).toBe('compact')
    expect(
      await alter(test, t, [
        ['cleanup.policy', DELETE, null],
        ['no.such', DELETE, null],
      ]),
    ).toEqual([0, null])
    expect(test.metadata.image.config('topic', 't')).toEqual(new Map([['retention.ms', '60000']]))
    expect(await alter(test, t, [['retention.ms', DELETE, null]])).toEqual([0, null])
    expect(test.metadata.image.configRevision('topic', 't')).toBe(0)
  })

  it('only looks when asked to', async () => {
    const test = await start()
    expect(await alter(test, [TOPIC, 't'], [['retention.ms', SET, '1']], true)).toEqual([0, null])
    expect(test.metadata.image.config('topic', 't').size).toBe(0)
  })

  it('words its refusals as Kafka does', async () => {
    const test = await start()
    const cases: [[number, string], Operation[], number, string][] = [
      [[TOPIC, 't'], [['no.such', SET, '1']], ErrorCode.INVALID_CONFIG, 'Unknown topic config name: no.such'],
      [
        [TOPIC, 't'],
        [['retention.ms', APPEND, '1']],
        ErrorCode.INVALID_CONFIG,
        "Can't APPEND to key retention.ms because its type is not LIST.",
      ],
      [[TOPIC, 't'], [['retention.ms', SET, null]], ErrorCode.INVALID_REQUEST, 'Null value not supported for : retention.ms'],
      [[TOPIC, 'none'], [['retention.ms', SET, '1']], ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "The topic 'none' does not exist."],
      [[TOPIC, ''], [['retention.ms', SET, '1']], ErrorCode.INVALID_REQUEST, 'Default topic resources are not allowed.'],
      [
        [TOPIC, 't'],
        [
          ['retention.ms', SET, '1'],
          ['retention.ms', SET, '2'],
        ],
        ErrorCode.INVALID_REQUEST,
        'Error due to duplicate config keys',
      ],
      [[BROKER, '9'], [['log.cleaner.threads', SET, '2']], ErrorCode.INVALID_REQUEST, 'Unexpected broker id, expected 1, but received 9'],
      [[BROKER, '1'], [['node.id', SET, '2']], ErrorCode.INVALID_REQUEST, 'Cannot update these configs dynamically: [node.id]'],
      [
        [BROKER, '1'],
        [['min.insync.replicas', SET, '2']],
        ErrorCode.INVALID_CONFIG,
        'Broker-level min.insync.replicas cannot be altered while ELR is enabled.',
      ],
      [
        [BROKER, ''],
        [['min.insync.replicas', DELETE, null]],
        ErrorCode.INVALID_CONFIG,
        'Cluster-level min.insync.replicas cannot be removed while ELR is enabled.',
      ],
      [[GROUP, 'g'], [['no.such', SET, '1']], ErrorCode.INVALID_CONFIG, 'Unknown group config name: no.such'],
      [
        [GROUP, 'g'],
        [['consumer.session.timeout.ms', SET, '1']],
        ErrorCode.INVALID_CONFIG,
        'consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms',
      ],
      [
        [CLIENT_METRICS, 'c'],
        [['interval.ms', SET, '5']],
        ErrorCode.INVALID_REQUEST,
        'Invalid value 5 for interval.ms, interval must be between 100 and 3600000 (1 hour)',
      ],
      [[99, 'x'], [['a', SET, 'b']], ErrorCode.INVALID_REQUEST, 'Unknown resource type 99'],
    ]
    for (const [resource, operations, code, message] of cases) {
      expect(await alter(test, resource, operations), message).toEqual([code, message])
    }
  })

  it('alters settings of brokers, groups and client metrics, which DescribeConfigs then tells with their source', async () => {
    const test = await start()
    expect(await alter(test, [BROKER, ''], [['log.cleaner.threads', SET, '3']])).toEqual([0, null])
    expect(await alter(test, [BROKER, '1'], [['log.cleaner.threads', SET, '2']])).toEqual([0, null])
    expect(await alter(test, [GROUP, 'g'], [['consumer.session.timeout.ms', SET, '50000']])).toEqual([0, null])
    expect(await alter(test, [CLIENT_METRICS, 'c'], [['interval.ms', SET, '5000']])).toEqual([0, null])
    const [threads] = (await describeOne(test, [BROKER, '1'], ['log.cleaner.threads'])).configs
    expect(threads?.synonyms.map(({ value, source }) => [value, source])).toEqual([
      ['2', 2],
      ['3', 3],
      ['1', 5],
    ])
    const defaults = await describeOne(test, [BROKER, ''])
    expect(defaults.configs.map(({ name }) => name)).toEqual(['log.cleaner.threads', 'min.insync.replicas'])
    expect((await describeOne(test, [GROUP, 'g'], ['consumer.session.timeout.ms'])).configs[0]).toMatchObject({ configSource: 8 })
    expect((await describeOne(test, [CLIENT_METRICS, 'c'], ['interval.ms'])).configs[0]).toMatchObject({ configSource: 7, value: '5000' })
  })
})

describe('AlterConfigs', () => {
  it('replaces everything', async () => {
    const test = await start()
    await alter(test, [TOPIC, 't'], [['retention.ms', SET, '60000']])
    const configs = [{ name: 'segment.bytes', value: '1048576' }]
    const resources = [{ resourceType: TOPIC, resourceName: 't', configs }]
    const { responses } = await test.ask(alterConfigsApi, 2, { resources, validateOnly: false })
    expect(responses).toEqual([{ errorCode: 0, errorMessage: null, resourceType: TOPIC, resourceName: 't' }])
    expect(test.metadata.image.config('topic', 't')).toEqual(new Map([['segment.bytes', '1048576']]))
  })

  it('refuses a resource that comes twice', async () => {
    const test = await start()
    const resource = { resourceType: TOPIC, resourceName: 't', configs: [] }
    const { responses } = await test.ask(alterConfigsApi, 2, { resources: [resource, resource], validateOnly: false })
    expect(responses.map(({ errorMessage }) => errorMessage)).toEqual(
      Array.from({ length: 2 }, () => 'Each resource must appear at most once.'),
    )
  })
})

describe('levels of loggers', () => {
  it('cannot be altered, and each way of asking says so as Kafka would', async () => {
    const test = await start()
    const logger: [number, string] = [BROKER_LOGGER, '1']
    expect(await alter(test, logger, [['kafka', SET, 'DEBUG']])).toEqual([ErrorCode.INVALID_CONFIG, 'Logger kafka does not exist!'])
    expect(await alter(test, logger, [['kafka', APPEND, 'DEBUG']])).toEqual([
      ErrorCode.INVALID_REQUEST,
      'APPEND operation is not allowed for the BROKER_LOGGER resource',
    ])
    expect((await alter(test, [BROKER_LOGGER, '2'], []))[1]).toBe('Unexpected node id. Expected 1, but received 2')
    expect((await alter(test, [BROKER_LOGGER, 'x'], []))[1]).toBe('Node id must be an integer, but it is: x')
    const resource = { resourceType: BROKER_LOGGER, resourceName: '1', configs: [{ name: 'kafka', value: 'DEBUG' }] }
    const { responses } = await test.ask(alterConfigsApi, 2, { resources: [resource], validateOnly: false })
    expect(responses[0]).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST, errorMessage: 'Unknown resource type 8' })
  })
})

describe('DescribeConfigs', () => {
  it('tells every setting of a topic, and those of all brokers apart from the default', async () => {
    const test = await start()
    const { configs } = await describeOne(test, [TOPIC, 't'])
    expect(configs.length).toBeGreaterThan(30)
    expect(configs.filter(({ configSource }) => configSource !== 5).map(({ name, value }) => [name, value])).toEqual([
      ['min.insync.replicas', '1'],
    ])
    expect(configs.find(({ name }) => name === 'retention.ms')).toMatchObject({ configType: 5, readOnly: false, isSensitive: false })
  })

  it('answers for what is not there', async () => {
    const test = await start()
    expect(await describeOne(test, [TOPIC, 'none'])).toMatchObject({
      errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      errorMessage: '',
      configs: [],
    })
    expect(await describeOne(test, [TOPIC, 'a b'])).toMatchObject({ errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION })
    expect(await describeOne(test, [BROKER, '9'])).toMatchObject({
      errorCode: ErrorCode.INVALID_REQUEST,
      errorMessage: 'Unexpected broker id, expected 1 or empty string, but received 9',
    })
  })
})
