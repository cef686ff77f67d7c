// Power loss on a real file system (F5): ext4 in a file is shut down without writing its journal out (EXT4_IOC_SHUTDOWN), the broker is
// killed, the file system mounted again. With log.flush.mode=ack everything acknowledged is there. ROUNDS sets how often (3 by default).
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { startBroker } from '../compat/broker.ts'
import { createTopic, expectNothingLost, histories, produce, randomOf, seedOf, skipBecause } from './load.ts'

const partitions = 4
const rounds = Number(process.env.ROUNDS ?? 3)
const IMAGE_BYTES = 256 * 1024 * 1024
const NO_LOG_FLUSH = '2'
const shutDown = fileURLToPath(new URL('../../../shared/faults-kit/fsshutdown.py', import.meta.url))

const run = (program: string, ...words: string[]): string => execFileSync(program, words, { stdio: 'pipe', encoding: 'utf8' })

/** An ext4 file system in a file. */
class PoweredDisk implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'ottla-power-'))
  readonly #image = join(this.#folder, 'image')
  readonly path = join(this.#folder, 'mounted')

  constructor() {
    mkdirSync(this.path)
    try {
      writeFileSync(this.#image, '')
      truncateSync(this.#image, IMAGE_BYTES)
      run('mkfs.ext4', '-q', '-F', this.#image)
      this.mount()
    } catch (error) {
      rmSync(this.#folder, { recursive: true })
      throw error
    }
  }

  mount(): void {
    run('mount', '-o', 'loop', this.#image, this.path)
  }

  unmount(): void {
    run('umount', this.path)
  }

  /** From now on nothing reaches the image; what was not synced is gone. */
  cutPower(): void {
    expect(run('python3', shutDown, this.path, NO_LOG_FLUSH)).toContain('ok')
  }

  [Symbol.dispose](): void {
    run('umount', '-l', this.path)
    rmSync(this.#folder, { recursive: true })
  }
}

const makeDisk = (): PoweredDisk | undefined => {
  try {
    if (!existsSync(shutDown)) throw new Error('fsshutdown.py is not there')
    run('python3', '--version')
    return new PoweredDisk()
  } catch (error) {
    skipBecause('power loss', `${error instanceof Error ? error.message : String(error)} (it takes root, loop devices, ext4 and python3)`)
    return undefined
  }
}

/** So many rounds fit on one disk. */
const ROUNDS_A_DISK = 4

it(`loses nothing acknowledged over ${rounds} power losses`, { timeout: 300_000 + rounds * 15_000 }, async context => {
  const random = randomOf(seedOf('power loss'))
  let total = 0
  for (let done = 0; done < rounds; done += ROUNDS_A_DISK) {
    using disk = makeDisk()
    if (disk === undefined) {
      context.skip()
      return
    }
    total += await losePower(disk, random, Math.min(ROUNDS_A_DISK, rounds - done))
  }
  console.log(`${rounds} power losses, ${total} acknowledged records, none lost`)
})

/** A broker on `disk` loses power `times` times; returns how many records it had acknowledged. */
async function losePower(disk: PoweredDisk, random: () => number, times: number): Promise<number> {
  const folder = join(disk.path, 'broker')
  mkdirSync(folder)
  await using broker = await startBroker({ 'log.flush.mode': 'ack', 'log.segment.bytes': '1048576' }, { folder })
  const topics: { topic: string; all: ReturnType<typeof histories> }[] = []
  let total = 0
  for (let round = 0; round < times; round++) {
    // A new topic each time: its folders, names and ids are as young as its records.
    const topic = `power-${round}`
    await createTopic(broker, topic, partitions)
    topics.push({ topic, all: histories(partitions) })
    const load = topics
      .slice(-2)
      .flatMap(each =>
        each.all.map(history => produce(broker, history, { topic: each.topic, random, valueBytes: 3000, goesOn: () => true })),
      )
    await sleep(200 + random() * 1500)
    disk.cutPower()
    await broker.kill()
    await Promise.all(load)
    disk.unmount()
    disk.mount()
    await broker.start()
    total = 0
    for (const { topic: name, all } of topics) total += await expectNothingLost(broker, name, all)
  }
  return total
}
