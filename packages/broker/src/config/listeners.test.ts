import { hostname } from 'node:os'
import { describe, expect, it } from 'vitest'
import type { ListenerSettings } from './listeners.ts'
import { deriveListeners, parseEndpoint } from './listeners.ts'

const settings: ListenerSettings = {
  listeners: ['PLAINTEXT://:9092'],
  advertised: null,
  protocolMap: 'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT',
  controllerNames: [],
  interBrokerName: null,
  interBrokerProtocol: null,
}
const messages = (changed: Partial<ListenerSettings>) => deriveListeners({ ...settings, ...changed }).problems.map(([, message]) => message)

describe('listeners', () => {
  it('reads names, hosts and IPv6 addresses', () => {
    expect(parseEndpoint('plaintext://localhost:9092')).toEqual({ name: 'PLAINTEXT', host: 'localhost', port: 9092 })
    expect(parseEndpoint('IN://[::1]:1')).toEqual({ name: 'IN', host: '::1', port: 1 })
    expect(parseEndpoint('IN://:0')).toEqual({ name: 'IN', host: '', port: 0 })
    for (const wrong of ['localhost:9092', 'IN://localhost', 'IN://a:70000', 'IN://a:-1', '://a:1', 'IN://a b:1', ''])
      expect(parseEndpoint(wrong)).toBeNull()
  })

  it('advertises what it listens on, by the name of the machine where that is everything', () => {
    const { listeners, interBrokerListener } = deriveListeners({
      ...settings,
      listeners: ['PLAINTEXT://:9092', 'IN://10.0.0.1:0'],
      protocolMap: 'PLAINTEXT:PLAINTEXT,IN:PLAINTEXT',
    })
    expect(listeners.map(one => [one.name, one.advertisedHost, one.advertisedPort])).toEqual([
      ['PLAINTEXT', hostname(), 9092],
      ['IN', '10.0.0.1', 0],
    ])
    expect(interBrokerListener).toBe('PLAINTEXT')
  })

  it('refuses 0.0.0.0 as an advertised address and says what to write', () => {
    const expected = [
      'advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP address or a name that clients can ' +
        `resolve: advertised.listeners=PLAINTEXT://${hostname()}:9092`,
    ]
    expect(messages({ listeners: ['PLAINTEXT://0.0.0.0:9092'] })).toEqual(expected)
    expect(messages({ advertised: ['PLAINTEXT://0.0.0.0:9092'] })).toEqual(expected)
  })

  it('refuses what is not supported yet, and what does not fit together', () => {
    expect(messages({ listeners: ['SSL://:9093'] })).toEqual([
      'listener SSL: security protocol SSL is not supported yet, only PLAINTEXT is',
    ])
    expect(messages({ listeners: ['X://:9093'] })).toEqual([
      'No security protocol defined for listener X: add X:PLAINTEXT to listener.security.protocol.map',
    ])
    expect(messages({ advertised: ['IN://h:1'] })).toEqual([
      'advertised.listeners listener names must be equal to or a subset of the ones defined in listeners. Found IN. ' +
        'The valid options based on the current configuration are PLAINTEXT',
    ])
    expect(messages({ listeners: ['PLAINTEXT://:1', 'PLAINTEXT://:2'] })).toHaveLength(1)
    expect(messages({ listeners: ['PLAINTEXT://:1', 'IN://:1'], protocolMap: 'PLAINTEXT:PLAINTEXT,IN:PLAINTEXT' })).toEqual([
      'Each listener must have a different port, PLAINTEXT and IN both have 1',
    ])
    expect(messages({ interBrokerName: 'IN' })[0]).toMatch(/^inter.broker.listener.name must be a listener name defined/)
    expect(messages({ interBrokerName: 'PLAINTEXT', interBrokerProtocol: 'PLAINTEXT' })[0]).toMatch(/^Only one of/)
    expect(messages({ controllerNames: ['PLAINTEXT'] })[0]).toMatch(/at least one broker advertised listener/)
    expect(messages({ protocolMap: 'PLAINTEXT=PLAINTEXT' })).toHaveLength(2)
  })

  it('lets one port be used on IPv4 and IPv6', () => {
    expect(messages({ listeners: ['PLAINTEXT://127.0.0.1:1', 'IN://[::1]:1'], protocolMap: 'PLAINTEXT:PLAINTEXT,IN:PLAINTEXT' })).toEqual(
      [],
    )
  })
})
