import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '@ottla/metadata'
import { afterEach, describe, expect, it } from 'vitest'
import { Broker } from '../broker.ts'
import { parseAddress } from '../config/address.ts'
import { testConfig } from '../config/testing.ts'
import { NetworkCounters } from '../network/index.ts'
import { countResponse } from '../network/counters.ts'
import { networkMetrics } from './network-metrics.ts'
import { registryOf } from './render.ts'

const folders: string[] = []
const brokers: Broker[] = []
const start = async (values: Record<string, string>): Promise<Broker> => {
  const path = mkdtempSync(join(tmpdir(), 'ottla-metrics-'))
  folders.push(path)
  const broker = await Broker.start({ config: testConfig({ 'log.dirs': path, ...values }), logger: silentLogger })
  brokers.push(broker)
  return broker
}

afterEach(async () => {
  for (const broker of brokers.splice(0)) await broker.close()
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true })
})

describe('metrics', () => {
  it('are served where the setting says, with the names that dashboards know', async () => {
    const broker = await start({ 'metrics.listener': '127.0.0.1:0' })
    const address = broker.metricsAddress ?? ''
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/)
    const response = await fetch(address)
    const text = await response.text()
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0.0.4/)
    expect(text).toMatch(/^kafka_brokers 1$/m)
    expect(text).toMatch(/^kafka_controller_kafkacontroller_activecontrollercount 1$/m)
    expect(text).toMatch(/^kafka_server_socket_server_metrics_connection_count\{listener="PLAINTEXT"\} 0$/m)
    expect(text).toMatch(/^kafka_network_socketserver_networkprocessoravgidle_percent [01]/m)
    expect(text).toMatch(/^# TYPE kafka_server_brokertopicmetrics_messagesin_total counter$/m)
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m)
    expect((await fetch(address.replace('/metrics', '/other'))).status).toBe(404)
  })

  it('are not there unless asked for, and a port that is taken does not keep the broker from starting', async () => {
    expect((await start({})).metricsAddress).toBeNull()
    const first = await start({ 'metrics.listener': '0' })
    const port = new URL(first.metricsAddress ?? '').port
    expect((await start({ 'metrics.listener': port })).metricsAddress).toBeNull()
  })

  it('tell how long requests took', async () => {
    const counters = new NetworkCounters()
    const api = counters.api(0, 'Produce')
    for (const timeMs of [0.5, 0.5, 0.5, 200]) countResponse(api, 10, timeMs)
    const text = await registryOf(networkMetrics(counters)).metrics()
    expect(text).toContain('kafka_network_requestmetrics_totaltimems{request="Produce",quantile="0.5"} 0.512')
    expect(text).toContain('kafka_network_requestmetrics_totaltimems{request="Produce",quantile="0.99"} 200')
    expect(text).toContain('kafka_network_requestmetrics_totaltimems_count{request="Produce"} 4')
  })

  it('know addresses with and without a host', () => {
    expect(parseAddress('9404')).toEqual({ host: '127.0.0.1', port: 9404 })
    expect(parseAddress(':9404')).toEqual({ host: '', port: 9404 })
    expect(parseAddress('[::1]:9404')).toEqual({ host: '::1', port: 9404 })
    expect(parseAddress('a.b:1')).toEqual({ host: 'a.b', port: 1 })
    for (const wrong of ['', 'a', 'a:b', 'a:99999']) expect(parseAddress(wrong)).toBeNull()
  })
})
