import { createServer } from 'node:net'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '@ottla/metadata'
import { afterEach, describe, expect, it } from 'vitest'
import { Broker } from './broker.ts'
import { testConfig } from './config/testing.ts'

const folders: string[] = []
const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'ottla-broker-'))
  folders.push(path)
  return path
}
const brokers: Broker[] = []
const start = async (values: Record<string, string>, clusterId?: string): Promise<Broker> => {
  const config = testConfig(values, clusterId)
  const broker = await Broker.start({ config, logger: silentLogger })
  brokers.push(broker)
  return broker
}
const refusal = async (values: Record<string, string>, clusterId?: string): Promise<string> => {
  try {
    await start(values, clusterId)
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : ''
  }
  return ''
}

afterEach(async () => {
  for (const broker of brokers.splice(0)) await broker.close()
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true })
})

describe('a broker', () => {
  it('formats new directories, and finds itself there again', async () => {
    const [a, b] = [join(folder(), 'a'), join(folder(), 'b')]
    const first = await start({ 'log.dirs': `${a},${b}` })
    expect(first.listeners).toHaveLength(1)
    expect(first.listeners[0]?.port).toBeGreaterThan(0)
    await first.close()
    for (const path of [a, b]) {
      expect(readFileSync(join(path, 'meta.properties'), 'utf8')).toContain(`cluster.id=${first.clusterId}`)
      expect(JSON.parse(readFileSync(join(path, '.kafka_cleanshutdown'), 'utf8'))).toEqual({ version: 0, brokerEpoch: first.epoch })
      expect(existsSync(join(path, '.lock'))).toBe(false)
    }
    const second = await start({ 'log.dirs': `${a},${b}` }, first.clusterId)
    expect(second.clusterId).toBe(first.clusterId)
    expect(second.epoch).toBeGreaterThan(first.epoch)
    expect(existsSync(join(a, '.kafka_cleanshutdown'))).toBe(false)
  })

  it('says what a broker is doing in its directory already', async () => {
    const path = folder()
    await start({ 'log.dirs': path })
    expect(await refusal({ 'log.dirs': path })).toMatch(
      new RegExp(`^StartError: .*${path}.* is in use by the broker with process id ${process.pid}`),
    )
  })

  it('refuses directories of another node or cluster, and says how to go on', async () => {
    const path = folder()
    const first = await start({ 'log.dirs': path })
    await first.close()
    expect(await refusal({ 'log.dirs': path, 'node.id': '2' })).toBe(
      `StartError: ${path} belongs to node 1, but node.id is 2. Set node.id=1, or choose another directory with log.dirs`,
    )
    expect(await refusal({ 'log.dirs': path }, 'AAAAAAAAAAAAAAAAAAAAAQ')).toMatch(/belongs to cluster .* Correct or remove CLUSTER_ID/)
    expect(await refusal({ 'log.dirs': path }, 'mine')).toMatch(/^StartError: the cluster id mine is not one/)
  })

  it('refuses partitions that its metadata does not know', async () => {
    const path = folder()
    mkdirSync(join(path, 'orders-0'))
    expect(await refusal({ 'log.dirs': path })).toMatch(/orders-0 is a partition of a topic that the metadata in .* does not know/)
    expect(existsSync(join(path, '__ottla_metadata'))).toBe(false)
  })

  it('says which port is taken', async () => {
    const other = createServer()
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
    const address = other.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const path = folder()
    expect(await refusal({ 'log.dirs': path, listeners: `PLAINTEXT://127.0.0.1:${port}` })).toBe(
      `StartError: port 127.0.0.1:${port} of listener PLAINTEXT is in use by another program. Stop it, or choose another port: ` +
        `--override listeners=PLAINTEXT://127.0.0.1:${port + 1}`,
    )
    await new Promise(resolve => other.close(resolve))
    expect(existsSync(join(path, '.lock'))).toBe(false)
    await start({ 'log.dirs': path })
  })

  it('says what is wrong with a directory', async () => {
    const path = folder()
    writeFileSync(join(path, 'file'), '')
    expect(await refusal({ 'log.dirs': join(path, 'file') })).toBe(
      `StartError: ${path}/file is not a directory. Remove the file of that name, or choose another directory with log.dirs`,
    )
    writeFileSync(join(path, 'meta.properties'), 'version=1\n')
    expect(await refusal({ 'log.dirs': path })).toMatch(/meta.properties is corrupt: node.id is missing. Restore the file from a copy/)
  })

  it.skipIf(process.getuid?.() === 0)('says that it may not write', async () => {
    const path = folder()
    chmodSync(path, 0o500)
    expect(await refusal({ 'log.dirs': join(path, 'data') })).toMatch(/^StartError: no permission to read and write/)
    chmodSync(path, 0o700)
  })
})
