import { readFileSync } from 'node:fs'
import { apiByKey, apiVersionsApi, ErrorCode } from '@ottla/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { framed } from '../network/testing.ts'
import type { AnyHandler } from '../requests/handler.ts'
import { ask, serving } from '../requests/testing.ts'
import type { Features } from './api-versions.ts'
import { apiVersions } from './api-versions.ts'

interface Golden {
  supportedFeatures: Features['supported']
  finalizedFeatures: Features['finalized']
  apis: { key: number; name: string; min: number; max: number }[]
  exchanges: { requestVersion: number; requestHex: string; responseHex: string }[]
}

/** What Apache Kafka 4.3.1 advertises, and its answers byte for byte. */
const golden: Golden = JSON.parse(readFileSync(new URL('../../fixtures/api-versions.json', import.meta.url), 'utf8'))
const open: Awaited<ReturnType<typeof serving>>[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

async function kafkaAlike() {
  const handlers: AnyHandler[] = golden.apis.flatMap(({ key, min, max }) => {
    const api = apiByKey(key)
    if (key === 18 || api === undefined) return []
    return [{ api, versions: [key === 0 ? 3 : min, max], advertised: [min, max], handle: () => null }]
  })
  const features: Features = { supported: golden.supportedFeatures, finalized: golden.finalizedFeatures, epoch: 9039 }
  handlers.push(apiVersions({ handlers: () => handlers, features: () => features }))
  const started = await serving(handlers)
  open.push(started)
  return started
}

describe('ApiVersions', () => {
  it.each(golden.exchanges)('answers version $requestVersion with the bytes of Kafka', async ({ requestHex, responseHex }) => {
    const client = await (await kafkaAlike()).client()
    client.send(framed(Buffer.from(requestHex, 'hex')))
    const [frame] = await client.receive(1)
    expect(frame?.toString('hex')).toBe(responseHex)
  })

  it.each(['', '-x', 'x-', 'a b', 'ä', 'a'.repeat(30_000) + '-'])('refuses the software name %j', async name => {
    const client = await (await kafkaAlike()).client()
    const answer = await ask(client, apiVersionsApi, 3, { clientSoftwareName: name, clientSoftwareVersion: '1' })
    expect(answer).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST, apiKeys: [] })
    const next = await ask(client, apiVersionsApi, 3, { clientSoftwareName: 'good-name.2', clientSoftwareVersion: '1.0-x' })
    expect(next.errorCode).toBe(0)
  })

  it('remembers what the client calls itself', async () => {
    const started = await kafkaAlike()
    const client = await started.client()
    await ask(client, apiVersionsApi, 4, { clientSoftwareName: 'ottla', clientSoftwareVersion: '1.0' })
    const [connection] = started.shared.connections
    expect(connection).toMatchObject({ clientSoftwareName: 'ottla', clientSoftwareVersion: '1.0' })
  })
})
