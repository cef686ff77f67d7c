import { readFileSync } from 'node:fs'
import { BrokerConfig } from '@ottla/broker'
import { describe, expect, it } from 'vitest'

const text = readFileSync(new URL('../server.properties', import.meta.url), 'utf8')
const shipped = (environment: Record<string, string> = {}) =>
  BrokerConfig.load({ file: { name: 'server.properties', text, shipped: true }, environment })

describe('the server.properties that comes with ottla', () => {
  it('has nothing to warn of, and internal topics with one replica', () => {
    const config = shipped()
    expect(config.warnings).toEqual([])
    expect(config.logDirs).toEqual(['./.ottla'])
    expect(config.listeners).toEqual([
      { name: 'PLAINTEXT', securityProtocol: 'PLAINTEXT', host: '', port: 9092, advertisedHost: 'localhost', advertisedPort: 9092 },
    ])
    for (const name of ['offsets.topic', 'transaction.state.log', 'share.coordinator.state.topic'] as const)
      expect(config.value(`${name}.replication.factor`)).toBe(1)
    expect(config.value('transaction.state.log.min.isr')).toBe(1)
    expect(config.value('share.coordinator.state.topic.min.isr')).toBe(1)
  })

  it('advertises the listeners that the user names', () => {
    const [listener] = shipped({ KAFKA_LISTENERS: 'PLAINTEXT://127.0.0.1:19092' }).listeners
    expect(listener).toMatchObject({ advertisedHost: '127.0.0.1', advertisedPort: 19092 })
  })

  it('gives way to the variables of containers', () => {
    const [listener] = shipped({ KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://kafka:29092' }).listeners
    expect(listener).toMatchObject({ host: '0.0.0.0', port: 29_092, advertisedHost: 'kafka', advertisedPort: 29_092 })
  })
})
