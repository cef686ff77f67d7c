import { describe, expect, it } from 'vitest'
import { BrokerConfig } from './broker-config.ts'
import type { ConfigInput } from './given.ts'
import { ConfigProblems } from './problems.ts'
import { testConfig } from './testing.ts'

const problemsOf = (input: ConfigInput): string[] => {
  try {
    BrokerConfig.load(input)
  } catch (error) {
    if (error instanceof ConfigProblems) return error.problems.map(({ where, message }) => `${where ?? ''}: ${message}`)
    throw error
  }
  return []
}

const file = (text: string) => ({ file: { name: 'server.properties', text } })

describe('a configuration', () => {
  it('takes an override before the environment, that before the file, that before the default', () => {
    const config = BrokerConfig.load({
      ...file('node.id=1\nnum.partitions=2\nmessage.max.bytes=100000\nlog.retention.hours=1\n'),
      environment: { KAFKA_NUM_PARTITIONS: '3', KAFKA_MESSAGE_MAX_BYTES: '200000' },
      overrides: ['num.partitions=4'],
    })
    expect(config.value('num.partitions')).toBe(4)
    expect(config.value('message.max.bytes')).toBe(200_000)
    expect(config.value('log.retention.hours')).toBe(1)
    expect(config.value('log.segment.bytes')).toBe(1 << 30)
    expect(config.given.get('num.partitions')).toMatchObject({ source: 'override' })
  })

  it('gives each type its value', () => {
    const config = testConfig({ 'log.dirs': ' /a ,/b', 'auto.create.topics.enable': 'FALSE', 'log.cleaner.min.cleanable.ratio': '.25' })
    expect(config.value('log.dirs')).toEqual(['/a', '/b'])
    expect(config.logDirs).toEqual(['/a', '/b'])
    expect(config.value('auto.create.topics.enable')).toBe(false)
    expect(config.value('log.cleaner.min.cleanable.ratio')).toBe(0.25)
    expect(config.value('log.flush.interval.messages')).toBe(Number.MAX_SAFE_INTEGER)
    expect(config.value('log.retention.ms')).toBeNull()
  })

  it('names all problems at once, each with its line and what is allowed', () => {
    const text =
      'node.id=1\n\n# ports\nlisteners=PLAINTEXT://127.0.0.1:none\nnum.partitions=0\nlog.segment.bytes = ten\ncompression.type: brotli\n'
    expect(problemsOf(file(text))).toEqual([
      'server.properties line 5: Invalid value 0 for configuration num.partitions: Value must be at least 1 (allowed: [1,...])',
      'server.properties line 6: Invalid value ten for configuration log.segment.bytes: Not a number of type INT (allowed: [1048576,...])',
      'server.properties line 7: Invalid value brotli for configuration compression.type: ' +
        'String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer (allowed: [uncompressed, zstd, lz4, snappy, gzip, producer])',
      'server.properties line 4: "PLAINTEXT://127.0.0.1:none" is not of the form NAME://host:port',
    ])
  })

  it('puts every problem on a line of the message', () => {
    expect(() => BrokerConfig.load({ ...file('node.id=x\nnum.partitions=y'), overrides: ['oops'] })).toThrow(
      /^3 problems in the configuration:\n {2}--override: "oops" is not of the form key=value\n {2}server.properties line 1: .*\n {2}server.properties line 2: /,
    )
  })

  it('warns of unknown names and says which one was probably meant', () => {
    const config = BrokerConfig.load(file('node.id=1\nnum.partition=3\nzookeeper.connect=x:2181\nmy.own.thing=1\nnode.id=2\n'))
    expect(config.warnings).toEqual([
      'server.properties line 5: node.id is given again, the value of server.properties line 1 is not used',
      'server.properties line 2: unknown setting num.partition, did you mean num.partitions?',
      'server.properties line 3: zookeeper.connect has no effect: there is no ZooKeeper',
      'server.properties line 4: unknown setting my.own.thing',
    ])
    expect(config.nodeId).toBe(2)
  })

  it('knows node.id by broker.id too, and refuses two that differ', () => {
    expect(BrokerConfig.load({ overrides: { 'broker.id': '7' } }).nodeId).toBe(7)
    expect(problemsOf({ overrides: {} })).toEqual([': Missing required configuration "node.id" which has no default value.'])
    expect(problemsOf({ overrides: ['node.id=1', 'broker.id=2'] })).toEqual([
      '--override: You must set `node.id` to the same value as `broker.id`.',
    ])
  })

  it('checks what settings say together', () => {
    expect(problemsOf({ overrides: ['node.id=1', 'queued.max.request.bytes=5', 'max.connections.per.ip.overrides=10.0.0.1'] })).toEqual([
      '--override: queued.max.request.bytes must be larger or equal to socket.request.max.bytes',
      '--override: max.connections.per.ip.overrides must be a list of address:number',
    ])
  })

  it('refuses what would be less safe than it looks, and names what has no effect', () => {
    expect(problemsOf({ overrides: ['node.id=1', 'authorizer.class.name=a.b.C'] })).toEqual([
      '--override: authorization is not supported yet: everybody may do everything',
    ])
    const config = testConfig({ 'group.share.max.size': '100', 'num.io.threads': '3', 'group.share.session.timeout.ms': '45000' })
    expect(config.warnings).toEqual(['without effect, as it is not supported yet: group.share.max.size'])
  })

  it('takes a server.properties of KRaft', () => {
    const text = `process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
`
    const config = BrokerConfig.load(file(text))
    expect(config.listeners).toEqual([
      { name: 'PLAINTEXT', securityProtocol: 'PLAINTEXT', host: '', port: 9092, advertisedHost: 'localhost', advertisedPort: 9092 },
    ])
    expect(config.warnings).toEqual(['listener CONTROLLER is for a KRaft controller, which Ottla has no need of: it is not opened'])
    expect(problemsOf({ overrides: ['node.id=1', 'process.roles=controller'] })[0]).toMatch(/only a KRaft controller/)
  })

  it('tells listeners of what was altered while it ran', () => {
    const config = testConfig({ 'max.connections': '5' })
    const heard: string[][] = []
    const stop = config.onChange(changed => heard.push([...changed].toSorted()))
    expect(config.value('max.connections')).toBe(5)
    config.setDynamic({
      broker: new Map([['max.connections', '7']]),
      defaults: new Map([
        ['max.connections', '6'],
        ['log.retention.ms', '99'],
      ]),
    })
    expect(config.value('max.connections')).toBe(7)
    expect(config.value('log.retention.ms')).toBe(99)
    config.setDynamic({
      broker: new Map(),
      defaults: new Map([
        ['max.connections', '6'],
        ['log.retention.ms', '99'],
      ]),
    })
    expect(config.value('max.connections')).toBe(6)
    stop()
    config.setDynamic({ broker: new Map(), defaults: new Map() })
    expect(config.value('max.connections')).toBe(5)
    expect(heard).toEqual([['log.retention.ms', 'max.connections'], ['max.connections']])
  })
})
