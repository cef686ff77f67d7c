// A broker on a disk in memory: what fails at the start, and what changes while it runs.
import { encodeConfig, keys, memoryStore, silentLogger } from '@ottla/metadata'
import { type Fault, MemoryDisk } from '@ottla/storage'
import { afterEach, describe, expect, it } from 'vitest'
import { Broker } from './broker.ts'
import { testConfig } from './config/testing.ts'
import { systemClock } from './system.ts'

const brokers: Broker[] = []
afterEach(async () => {
  for (const broker of brokers.splice(0)) await broker.close()
})

const start = async (files: MemoryDisk, values: Record<string, string> = {}): Promise<Broker> => {
  const store = await memoryStore(systemClock)
  const broker = await Broker.start({ config: testConfig({ 'log.dirs': '/data', ...values }), files, store, logger: silentLogger })
  brokers.push(broker)
  return broker
}

const refusal = async (fault: Fault): Promise<string> => {
  const disk = new MemoryDisk()
  disk.fail(fault)
  try {
    await start(disk)
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : ''
  }
  return ''
}

describe('a broker in a world of its own', () => {
  it('serves, and leaves the mark of a clean stop', async () => {
    const disk = new MemoryDisk()
    const broker = await start(disk)
    await broker.close()
    expect(disk.statSync('/data/.kafka_cleanshutdown')).toBeDefined()
  })

  it.each([
    ['ENOSPC', /^StartError: no space left on the disk of .*Free some space/],
    ['EACCES', /^StartError: no permission to read and write .*Make this user its owner/],
    ['EROFS', /^StartError: .* is on a file system that is mounted read-only/],
    ['EIO', /^StartError: the device of .* fails to read or write/],
  ])('says in one line what %s means', async (code, message) => {
    const text = await refusal({ operation: 'openSync', code })
    expect(text).toMatch(message)
    expect(text).not.toContain('\n')
  })

  it('takes altered settings without a restart, and leaves out those that are not valid', async () => {
    const broker = await start(new MemoryDisk(), { 'log.retention.hours': '1' })
    const { config, metadata } = broker
    expect(config.value('max.connections')).toBe(2_147_483_647)
    const alter = async (name: string, values: Record<string, string>) => {
      const { revision } = await store.commit({
        writes: [{ key: keys.config('broker', name), value: encodeConfig(new Map(Object.entries(values))) }],
      })
      await metadata.applied(revision)
    }
    const store = broker.store
    await alter('', { 'max.connections': '50', 'log.retention.ms': '5000' })
    expect(config.value('max.connections')).toBe(50)
    await alter('1', { 'max.connections': '60', 'max.connections.per.ip': 'many' })
    expect(config.value('max.connections')).toBe(60)
    expect(config.value('max.connections.per.ip')).toBe(2_147_483_647)
    await alter('1', {})
    expect(config.value('max.connections')).toBe(50)
  })

  it('refuses an id that another broker of the cluster has', async () => {
    const first = await start(new MemoryDisk())
    const config = testConfig({ 'log.dirs': '/data' })
    const second = Broker.start({ config, files: new MemoryDisk(), store: first.store, logger: silentLogger })
    await expect(second).rejects.toThrow(/^another broker with the id 1 is running .*give each broker its own node.id$/)
  })
})
