import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { brokerDefinitions } from './definitions.ts'
import { settingsOfEnvironment } from './environment.ts'

const read = (environment: Record<string, string>, listenersGiven = false) =>
  Object.fromEntries(settingsOfEnvironment(environment, { listenersGiven }).settings.map(({ name, text }) => [name, text]))

const idOf = (environment: Record<string, string>) => settingsOfEnvironment(environment, { listenersGiven: true }).clusterId?.text

describe('settings from the environment', () => {
  it('turns _ into ., __ into _ and ___ into -', () => {
    expect(read({ KAFKA_LOG_DIRS: '/data', KAFKA_A__B___C: 'x', PATH: '/bin', KAFKA: 'no' })).toEqual({ 'log.dirs': '/data', 'a_b-c': 'x' })
  })

  it('finds every setting by the name of its variable', () => {
    fc.assert(
      fc.property(fc.constantFrom(...brokerDefinitions.keys()), name => {
        const variable = `KAFKA_${name.replaceAll('_', '__').replaceAll('-', '___').replaceAll('.', '_').toUpperCase()}`
        expect(read({ [variable]: 'x' }, true)).toEqual({ [name]: 'x' })
      }),
      { numRuns: 400 },
    )
  })

  it('takes the prefix of Bitnami, after the plain one', () => {
    expect(read({ KAFKA_CFG_NODE_ID: '5', KAFKA_NODE_ID: '6', KAFKA_CFG_NUM_PARTITIONS: '3' })).toEqual({
      'node.id': '6',
      'num.partitions': '3',
    })
  })

  it('leaves alone what is for Kafka´s scripts and images', () => {
    expect(
      read({ KAFKA_HEAP_OPTS: '-Xmx1g', KAFKA_JMX_PORT: '9', KAFKA_LOG4J_ROOT_LOGLEVEL: 'x', KAFKA_HOME: '/opt', KAFKA_OPTS: '' }),
    ).toEqual({})
    expect(read({ KAFKA_CLIENT_QUOTA_CALLBACK_CLASS: 'x' })).toEqual({ 'client.quota.callback.class': 'x' })
  })

  it('listens on all interfaces at the advertised ports where no listeners are given', () => {
    const environment = { KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://kafka:29092,OUT://[::1]:9092' }
    expect(read(environment).listeners).toBe('PLAINTEXT://0.0.0.0:29092,OUT://0.0.0.0:9092')
    expect(read(environment, true).listeners).toBeUndefined()
    expect(read({ ...environment, KAFKA_LISTENERS: 'PLAINTEXT://:1' }).listeners).toBe('PLAINTEXT://:1')
  })

  it('reads the cluster id', () => {
    expect(idOf({ CLUSTER_ID: 'a', KAFKA_KRAFT_CLUSTER_ID: 'b' })).toBe('a')
    expect(idOf({ KAFKA_KRAFT_CLUSTER_ID: 'b' })).toBe('b')
    expect(idOf({})).toBeUndefined()
  })
})
