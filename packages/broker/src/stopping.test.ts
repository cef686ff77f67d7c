// What clients see of a broker that stops while they wait for others.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '@ottla/metadata'
import { ErrorCode, findCoordinatorApi, joinGroupApi, readResponse } from '@ottla/protocol'
import { expect, it } from 'vitest'
import { Broker } from './broker.ts'
import { testConfig } from './config/testing.ts'
import { FrameClient } from './network/testing.ts'
import { ask, requestBytes } from './requests/testing.ts'

it('sends the members of a group that is being formed elsewhere, at once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-stopping-'))
  const broker = await Broker.start({
    config: testConfig({ 'log.dirs': folder, 'group.initial.rebalance.delay.ms': '60000' }),
    logger: silentLogger,
  })
  try {
    const client = await FrameClient.open(broker.listeners[0]?.port ?? 0)
    for (let errorCode = -1; errorCode !== 0; ) {
      const { coordinators } = await ask(client, findCoordinatorApi, 4, { keyType: 0, coordinatorKeys: ['g'] })
      errorCode = coordinators[0]?.errorCode ?? -1
    }
    const waiting = client.frames.length
    const protocols = [{ name: 'range', metadata: Buffer.alloc(0) }]
    const member = { groupId: 'g', memberId: '', sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 60_000, protocolType: 'consumer', protocols }
    client.send(requestBytes(joinGroupApi, 2, member))
    // The group waits for more members to come.
    await new Promise(resolve => setTimeout(resolve, 200))
    expect(client.frames).toHaveLength(waiting)
    const before = performance.now()
    await broker.close()
    expect(performance.now() - before).toBeLessThan(20_000)
    const [frame] = (await client.receive(waiting + 1)).slice(waiting)
    expect(readResponse(joinGroupApi, 2, frame ?? Buffer.alloc(0)).body.errorCode).toBe(ErrorCode.NOT_COORDINATOR)
  } finally {
    await broker.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
