// A broker that is starved: a device that takes its time to sync (F13), and a process that may have no more files and connections (F12). Others are
// answered meanwhile, nothing acknowledged is lost, and it goes on by itself when there is enough again.
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { ErrorCode, metadataApi } from '@ottla/protocol'
import { expect, it } from 'vitest'
import { startBroker } from '../compat/broker.ts'
import { installed } from '../compat/programs.ts'
import { Wire } from '../compat/wire.ts'
import { DiskShim, reasonToSkipShim } from './disk-shim.ts'
import { createTopic, expectNothingLost, histories, type History, produce, randomOf, seedOf, skipBecause } from './load.ts'

const topic = 'starved'
const partitions = 3
const SYNC_MS = 300

const acknowledgedOf = (all: readonly History[]): number => all.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0)

it('waits for a device that syncs slowly, and answers others meanwhile', async context => {
  const reason = reasonToSkipShim()
  if (reason !== undefined) {
    skipBecause('a slow disk', reason)
    context.skip()
    return
  }
  const random = randomOf(seedOf('a slow disk'))
  using shim = new DiskShim()
  await using broker = await startBroker({ 'log.flush.mode': 'ack' }, { environment: shim.environmentFor(`/${topic}-`) })
  await createTopic(broker, topic, partitions)
  const all = histories(partitions)
  let stopped = false
  shim.delay(['fdatasync', 'fsync'], SYNC_MS)
  const load = all.map(history => produce(broker, history, { topic, random, goesOn: () => !stopped }))
  await using wire = await Wire.connect(broker.port)
  let asked = 0
  let slow = 0
  for (const end = Date.now() + 3_000; Date.now() < end; asked++) {
    const began = performance.now()
    await wire.ask(metadataApi, 9, { topics: null })
    if (performance.now() - began > SYNC_MS) slow += 1
    await sleep(10)
  }
  // Who needs no sync does not wait for one.
  expect(slow).toBeLessThan(asked / 10)
  stopped = true
  await Promise.all(load)
  shim.heal()
  expect(await expectNothingLost(broker, topic, all)).toBeGreaterThan(0)
  for (const { errors } of all) expect([...errors]).toEqual([])
  expect(await broker.stop()).toBe(0)
})

/** Connections until one of them is not taken any more. */
async function openAll(port: number, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1').on('error', () => undefined))
  await sleep(500)
  return sockets
}

it('serves those who are there while it may open nothing more, and everybody afterwards', async context => {
  if (installed('prlimit') !== undefined) {
    skipBecause('too few file descriptors', 'prlimit is not installed')
    context.skip()
    return
  }
  const random = randomOf(seedOf('too few file descriptors'))
  await using broker = await startBroker({ 'log.flush.mode': 'ack', 'log.segment.bytes': '1048576' })
  await createTopic(broker, topic, partitions)
  const all = histories(partitions)
  let stopped = false
  // Segments are begun all the time.
  const load = all.map(history => produce(broker, history, { topic, random, valueBytes: 20_000, goesOn: () => !stopped }))
  await sleep(300)
  const limit = readdirSync(`/proc/${broker.pid}/fd`).length + 10
  const limitTo = (files: number | string) => execFileSync('prlimit', ['--pid', String(broker.pid), `--nofile=${files}:`])
  limitTo(limit)
  const crowd = await openAll(broker.port, 50)
  await sleep(1_000)
  for (const socket of crowd) socket.destroy()
  limitTo(1_024)
  // What could not be opened is opened now, by the same process.
  for (const { errors } of all) for (const code of errors.keys()) expect(code).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
  const before = acknowledgedOf(all)
  for (let waited = 0; acknowledgedOf(all) < before + 100 && waited < 10_000; waited += 50) await sleep(50)
  expect(acknowledgedOf(all)).toBeGreaterThanOrEqual(before + 100)
  await using wire = await Wire.connect(broker.port)
  expect((await wire.ask(metadataApi, 9, { topics: null })).topics).toHaveLength(1)
  stopped = true
  await Promise.all(load)
  await expectNothingLost(broker, topic, all)
  expect(await broker.stop(), broker.output().slice(-2000)).toBe(0)
})
