// The seam between what a test uses and where the broker runs: in the test's own thread, or in a worker thread.
import type { Duplex } from 'node:stream'
import type { Clock } from '@ottla/protocol'
import type { AdvanceOptions, ClockMode } from '../world/test-clock.ts'
import type { DiskState } from '../world/test-disk.ts'
import type { FaultSpec, RandomFaultSpec } from '../faults/specs.ts'

/** What a broker under test is started with; plain data, so that it can be sent to a thread. */
export interface HostOptions {
  /** Broker settings by Kafka's names, complete. */
  readonly settings: Readonly<Record<string, string>>
  readonly seed: number
  readonly clock: ClockMode
  /** A folder of the real disk, null for memory. */
  readonly directory: string | null
  /** What a disk in memory holds. */
  readonly capacityBytes: number
  /** Whether a port is bound. */
  readonly bound: boolean
}

/** What the broker's side tells. */
export interface HostEvents {
  /** A fault took a request, or failed an operation of the disk. */
  readonly onHit: (id: number) => void
}

/** A broker under test and the world around it. */
export interface Host {
  /** host:port that clients are told. */
  readonly address: { readonly host: string; readonly port: number }
  /** The broker's clock, or one of this thread that goes as that does. */
  readonly clock: Clock
  /** A stream to the broker. Throws when it does not run. */
  connect(): Duplex
  advance(ms: number, options: AdvanceOptions): Promise<void>
  addFault(spec: FaultSpec): Promise<void>
  addRandomFaults(spec: RandomFaultSpec): Promise<void>
  removeFault(id: number): Promise<void>
  /** Ends all faults, and those of the disk. */
  clearFaults(): Promise<void>
  /** What the disk does from now on; failures are told with `id`. */
  setDisk(state: DiskState, id: number): Promise<void>
  /** Stops the broker; its data, clock and faults stay. `crash`: without a word to anybody, connections are cut first. */
  stop(crash: boolean): Promise<void>
  /** Starts it again, on the same port. */
  start(): Promise<void>
  /** Stops it for good. Idempotent. */
  close(): Promise<void>
}
