// Starts the real broker inside a test.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { HostOptions } from './host/host.ts'
import { LocalHost } from './host/local-host.ts'
import { WorkerHost } from './host/worker-host.ts'
import { TestKafka } from './kafka.ts'
import { asTexts, checkOptions, type StartOptions, testSettings } from './options.ts'

/** Where a broker without a port says it is: a name that can belong to nobody (RFC 2606), so that no client ends up somewhere else. */
const MEMORY_ADDRESS = 'broker-1.memory.invalid:9092'
const MEMORY_FOLDER = '/kafka'
const DEFAULT_CAPACITY_BYTES = 512 * 1024 * 1024
const HIGHEST_SEED = 2 ** 31

/**
 * Starts a broker in this process, or in a worker thread, and makes the topics. Rejects with RangeError for what cannot be started, with
 * StartError for settings that cannot be, with KafkaError for topics that cannot be.
 */
export async function startKafka(options: StartOptions = {}): Promise<TestKafka> {
  checkOptions(options)
  const { storage = 'memory', transport = 'tcp' } = options
  const seed = options.seed ?? Math.floor(Math.random() * HIGHEST_SEED)
  const temporary = storage === 'disk' ? await mkdtemp(join(tmpdir(), 'ottla-testing-')) : null
  const directory = storage === 'memory' ? null : (temporary ?? resolve(storage))
  const bound = transport === 'tcp'
  const hostOptions: HostOptions = {
    settings: {
      ...testSettings,
      'log.dirs': directory ?? MEMORY_FOLDER,
      listeners: `PLAINTEXT://127.0.0.1:${bound ? 0 : 9092}`,
      ...(bound ? {} : { 'advertised.listeners': `PLAINTEXT://${MEMORY_ADDRESS}` }),
      ...asTexts(options.settings ?? {}),
    },
    seed,
    clock: options.clock ?? 'hybrid',
    directory,
    capacityBytes: options.capacityBytes ?? DEFAULT_CAPACITY_BYTES,
    bound,
  }
  return TestKafka.start({
    options,
    seed,
    start: onHit => (options.worker === true ? WorkerHost : LocalHost).start(hostOptions, { onHit }),
    cleanUp: async () => {
      if (temporary !== null) await rm(temporary, { recursive: true, force: true })
    },
  })
}
