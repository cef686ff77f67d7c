// A device that answers EIO, by a library that is loaded before the process's own. Where it fails to write or to sync, the log directory goes
// offline at once, nothing is acknowledged that is not on the device, a failed fdatasync is not tried again, and after a restart everything
// acknowledged is there. Where it fails to read, only those who read that get an error, and only for that long.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ErrorCode } from '@ottla/protocol'
import { expect, it } from 'vitest'
import { startBroker } from '../compat/broker.ts'
import { Wire } from '../compat/wire.ts'
import { DiskShim, reasonToSkipShim } from './disk-shim.ts'
import { createTopic, expectNothingLost, histories, produce, randomOf, seedOf, skipBecause } from './load.ts'

const topic = 'failing'
const partitions = 3
const rounds = Number(process.env.ROUNDS ?? 2)
const operations = {
  fdatasync: ['fdatasync'],
  write: ['write', 'pwrite', 'pwrite64', 'writev', 'pwritev', 'pwritev64'],
} as const

for (const [operation, names] of Object.entries(operations)) {
  it(`acknowledges nothing after EIO of ${operation}, and has everything acknowledged after a restart`, async context => {
    const reason = reasonToSkipShim()
    if (reason !== undefined) {
      skipBecause('a failing disk', reason)
      context.skip()
      return
    }
    const random = randomOf(seedOf('a failing disk'))
    using shim = new DiskShim()
    // The last partition's files fail: the others are in the same log directory.
    const environment = shim.environmentFor(`/${topic}-${partitions - 1}/`)
    await using broker = await startBroker({ 'log.flush.mode': 'ack' }, { environment })
    await createTopic(broker, topic, partitions)
    const all = histories(partitions)
    for (let round = 0; round < rounds; round++) {
      let stopped = false
      for (const { errors } of all) errors.clear()
      const load = all.map(history => produce(broker, history, { topic, random, goesOn: () => !stopped }))
      await sleep(150 + random() * 200)
      const before = broker.output().length
      shim.fail(names)
      for (let waited = 0; !broker.output().slice(before).includes('offline') && waited < 5_000; waited += 10) await sleep(10)
      expect(broker.output().slice(before)).toContain('offline')
      shim.heal()
      const sizes = all.map(({ acknowledged }) => acknowledged.size)
      // The device is fine again, but nobody can know what it lost: no more acknowledgements without a restart.
      await sleep(300)
      expect(all.map(({ acknowledged }) => acknowledged.size)).toEqual(sizes)
      for (const { errors } of all) for (const code of errors.keys()) expect(code).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
      stopped = true
      // Without another log directory there is nothing left to do for it: it ends, and not with 0.
      expect(await broker.stop()).not.toBe(0)
      await Promise.all(load)
      expect(existsSync(join(broker.data, '.kafka_cleanshutdown'))).toBe(false)
      await broker.start()
      await expectNothingLost(broker, topic, all)
    }
    const total = await expectNothingLost(broker, topic, all)
    for (const { acknowledged } of all) expect(acknowledged.size).toBeGreaterThan(0)
    console.log(`${rounds} times EIO of ${operation}, ${total} acknowledged records, none lost`)
  })
}

it('answers what cannot be read with a retriable error, and goes on', async context => {
  const reason = reasonToSkipShim()
  if (reason !== undefined) {
    skipBecause('a disk that cannot be read', reason)
    context.skip()
    return
  }
  const random = randomOf(seedOf('a disk that cannot be read'))
  using shim = new DiskShim()
  await using broker = await startBroker({ 'log.flush.mode': 'ack' }, { environment: shim.environmentFor(`/${topic}-0/`) })
  await createTopic(broker, topic, partitions)
  const all = histories(partitions)
  const writeFor = async (milliseconds: number) => {
    const end = Date.now() + milliseconds
    await Promise.all(all.map(history => produce(broker, history, { topic, random, goesOn: () => Date.now() < end })))
  }
  await writeFor(500)
  // What was written before a restart is in no cache of the process.
  await broker.stop()
  await broker.start()
  for (let round = 0; round < rounds; round++) {
    shim.fail(['pread', 'pread64', 'preadv', 'preadv64', 'read'])
    await using wire = await Wire.connect(broker.port)
    await expect(wire.batches(topic, 0)).rejects.toThrow(`error ${ErrorCode.KAFKA_STORAGE_ERROR}`)
    expect(await wire.batches(topic, 1)).not.toEqual([])
    // A produce may have to read as well, such as the time of a segment's first batch.
    await writeFor(100)
    shim.heal()
    await expectNothingLost(broker, topic, all)
  }
  for (const code of all[0]?.errors.keys() ?? []) expect(code).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
  for (const { errors } of all.slice(1)) expect([...errors]).toEqual([])
  expect(await broker.stop()).toBe(0)
})
