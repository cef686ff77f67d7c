// A disk that gets full under load (F9): producers get KAFKA_STORAGE_ERROR, which they try again after; reads go on; once there is room,
// writes go on without a restart; nothing acknowledged is lost and no half batch is left, also after kill -9.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ErrorCode } from '@ottla/protocol'
import { expect, it } from 'vitest'
import { startBroker } from '../compat/broker.ts'
import { createTopic, expectNothingLost, histories, produce, randomOf, seedOf, skipBecause, stored } from './load.ts'

const topic = 'full'
const partitions = 4
const rounds = Number(process.env.ROUNDS ?? 2)

/** A file system in memory of so many bytes. */
class SmallDisk implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'ottla-full-'))
  readonly #ballast = join(this.path, 'ballast')

  constructor(megabytes: number) {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'none', this.path], { stdio: 'pipe' })
    } catch (error) {
      rmSync(this.path, { recursive: true })
      throw error
    }
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.path)
    return bavail * bsize
  }

  /** Leaves room for so many bytes. */
  fill(leftBytes: number): void {
    writeFileSync(this.#ballast, Buffer.alloc(Math.max(0, this.freeBytes - leftBytes)))
  }

  release(): void {
    rmSync(this.#ballast, { force: true })
  }

  [Symbol.dispose](): void {
    execFileSync('umount', ['-l', this.path])
    rmSync(this.path, { recursive: true })
  }
}

const mountSmallDisk = (): SmallDisk | undefined => {
  try {
    return new SmallDisk(64)
  } catch {
    skipBecause('a full disk', 'a tmpfs cannot be mounted (it takes root)')
    return undefined
  }
}

for (const mode of ['ack', 'os']) {
  it(`gives storage errors while the disk is full, and goes on when there is room, flush mode ${mode}`, async context => {
    using disk = mountSmallDisk()
    if (disk === undefined) {
      context.skip()
      return
    }
    const random = randomOf(seedOf('a full disk'))
    const folder = join(disk.path, 'broker')
    mkdirSync(folder)
    await using broker = await startBroker({ 'log.flush.mode': mode, 'log.segment.bytes': '1048576' }, { folder })
    await createTopic(broker, topic, partitions)
    const all = histories(partitions)
    for (let round = 0; round < rounds; round++) {
      let stopped = false
      disk.fill(300_000 + Math.floor(random() * 6_000_000))
      for (const { errors } of all) errors.clear()
      const load = all.map(history => produce(broker, history, { topic, random, goesOn: () => !stopped }))
      const refused = () => all.filter(({ errors }) => errors.size > 0).length
      for (let waited = 0; refused() < partitions && waited < 15_000; waited += 50) await sleep(50)
      await sleep(300)
      for (const { errors } of all) expect([...errors.keys()]).toEqual([ErrorCode.KAFKA_STORAGE_ERROR])
      // Reads go on while producers are refused.
      for (const { partition, acknowledged } of all) {
        const before = [...acknowledged]
        const found = await stored(broker, topic, partition)
        expect(before.filter(([text, offset]) => found.get(text) !== offset).slice(0, 5)).toEqual([])
      }
      const sizes = all.map(({ acknowledged }) => acknowledged.size)
      disk.release()
      const resumed = () => all.every(({ acknowledged }, index) => acknowledged.size > (sizes[index] ?? 0) + 20)
      for (let waited = 0; !resumed() && waited < 10_000; waited += 50) await sleep(50)
      expect(resumed(), `writes did not resume\n${broker.output().slice(-3000)}`).toBe(true)
      stopped = true
      await Promise.all(load)
      await expectNothingLost(broker, topic, all)
    }
    await broker.kill()
    await broker.start()
    const total = await expectNothingLost(broker, topic, all)
    expect(await broker.stop()).toBe(0)
    console.log(`${rounds} times full with flush mode ${mode}, ${total} acknowledged records, none lost`)
  })
}
