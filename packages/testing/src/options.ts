// What a broker under test is started with, and the settings that it has unless a test says otherwise.
import type { ClockMode } from './world/test-clock.ts'

/** A topic as it is declared: the number of its partitions, or that and its settings. */
export type TopicDeclaration =
  | number
  | { readonly partitions?: number; readonly config?: Readonly<Record<string, string | number | boolean>> }

/** What `startKafka` takes; everything may be left out. */
export interface StartOptions {
  /** Number of brokers: 1. */
  readonly brokers?: number
  /** Topics that are there from the start, and again after each `reset()`. */
  readonly topics?: Readonly<Record<string, TopicDeclaration>>
  /** Makes ids, placements and random faults repeat. By default another one each time; `kafka.seed` tells it. */
  readonly seed?: number
  /**
   * 'hybrid' (default): real time, which `kafka.clock.advance` moves on. 'virtual': time passes by `advance` alone, but for waits
   * up to 20 ms. Clients that try again wait in virtual time too, so somebody has to advance it. */
  readonly clock?: ClockMode
  /** Broker settings by Kafka's names, over `testSettings`. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
  /** 'memory' (default), 'disk' (a temporary folder, removed by `close`), or the path of a folder, which stays. */
  readonly storage?: string
  /** Bytes that a disk in memory holds, 512 MiB by default. */
  readonly capacityBytes?: number
  /** 'tcp' (default): a free port. 'memory': no port, clients come by `kafka.socketFactory`. */
  readonly transport?: 'tcp' | 'memory'
  /** Runs the broker in a worker thread, so that it takes no time from the test's own. */
  readonly worker?: boolean
}

/**
 * Settings in which a broker under test differs from Kafka's defaults: groups begin without waiting for more members, internal topics
 * are small, what is deleted is deleted at once, no connection is idle for too long however far time is advanced, and the operating system decides when bytes reach the device, as in Kafka.
 */
export const testSettings: Readonly<Record<string, string>> = {
  'node.id': '1',
  'group.initial.rebalance.delay.ms': '0',
  'offsets.topic.num.partitions': '1',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.num.partitions': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'log.segment.delete.delay.ms': '0',
  'connections.max.idle.ms': '-1',
  'log.flush.mode': 'os',
}

/** Settings as text. */
export const asTexts = (values: Readonly<Record<string, string | number | boolean>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]))

/** Throws for what cannot be started, saying what can. */
export function checkOptions(options: StartOptions): void {
  const { brokers = 1, capacityBytes = 1, clock = 'hybrid', seed = 0, storage = 'memory', transport = 'tcp', worker = false } = options
  if (clock !== 'hybrid' && clock !== 'virtual') throw new RangeError(`clock: ${String(clock)}: 'hybrid' or 'virtual'`)
  if (transport !== 'tcp' && transport !== 'memory') throw new RangeError(`transport: ${String(transport)}: 'tcp' or 'memory'`)
  if (storage === '') throw new RangeError("storage: 'memory', 'disk', or the path of a folder")
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed: ${seed}: a whole number`)
  if (!(capacityBytes > 0)) throw new RangeError(`capacityBytes: ${capacityBytes}: more than 0`)
  if (!Number.isInteger(brokers) || brokers < 1) throw new RangeError(`brokers: ${brokers}: there is at least one`)
  if (brokers > 1) {
    throw new RangeError(
      `brokers: ${brokers}: several brokers that replicate to one another are not there yet; start one, and use kafka.restart() and kafka.faults to see how clients take a fail-over`,
    )
  }
  if (worker && transport === 'memory') {
    throw new RangeError("worker: true needs transport: 'tcp': connections in memory do not reach another thread")
  }
}
