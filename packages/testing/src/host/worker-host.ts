// A broker in a worker thread, asked by messages. Its clients connect by TCP. They do not share its clock: an advance moves theirs after it.
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { FaultSpec, RandomFaultSpec } from '../faults/specs.ts'
import { type AdvanceOptions, TestClock } from '../world/test-clock.ts'
import type { DiskState } from '../world/test-disk.ts'
import type { Host, HostEvents, HostOptions } from './host.ts'

/** What the thread is asked: methods of Host. */
export type WorkerCall =
  | { readonly call: 'advance'; readonly ms: number; readonly options: AdvanceOptions }
  | { readonly call: 'addFault'; readonly spec: FaultSpec }
  | { readonly call: 'addRandomFaults'; readonly spec: RandomFaultSpec }
  | { readonly call: 'removeFault'; readonly fault: number }
  | { readonly call: 'clearFaults' }
  | { readonly call: 'setDisk'; readonly state: DiskState; readonly fault: number }
  | { readonly call: 'stop'; readonly crash: boolean }
  | { readonly call: 'start' }
  | { readonly call: 'close' }

/** To the thread. */
export type ToWorker = { readonly id: number } & WorkerCall

/** From the thread: the answer to a call, or a fault that happened. */
export type FromWorker =
  | { readonly id: number; readonly address: Host['address'] }
  | { readonly id: number; readonly error: Error }
  | { readonly hit: number }

/** The id of the answer that the thread gives when the broker has started. */
export const STARTED = 0

/** The compiled worker: beside this file in a build, and in the build's folder when the sources run, as they do in tests. */
const workerFile = (): string => {
  const places = [new URL('./worker.js', import.meta.url), new URL('../../dist/host/worker.js', import.meta.url)]
  const file = places.map(place => fileURLToPath(place)).find(path => existsSync(path))
  if (file === undefined) throw new Error('the broker cannot run in a worker thread: its compiled form is not there')
  return file
}

interface Waiting {
  resolve(): void
  reject(error: Error): void
}

/** See the top of the file. */
export class WorkerHost implements Host {
  readonly clock: TestClock
  readonly #worker: Worker
  readonly #events: HostEvents
  readonly #waiting = new Map<number, Waiting>()
  #address: Host['address'] = { host: '127.0.0.1', port: 0 }
  #lastId = STARTED
  #closed: Promise<void> | undefined

  private constructor(options: HostOptions, events: HostEvents) {
    this.#events = events
    this.clock = new TestClock(options.clock)
    // What runs is compiled: loaders and conditions that a test runner gave to this process are not for it.
    this.#worker = new Worker(workerFile(), { workerData: options, execArgv: [] })
    this.#worker.on('message', (message: FromWorker) => this.#hear(message))
    this.#worker.on('error', error => this.#failAll(error instanceof Error ? error : new Error(String(error))))
    this.#worker.on('exit', () => this.#failAll(new Error('the thread of the broker has ended')))
  }

  /** Starts a thread with a broker. Rejects with what the broker's start rejects with. */
  static async start(options: HostOptions, events: HostEvents): Promise<WorkerHost> {
    const host = new WorkerHost(options, events)
    try {
      await new Promise<void>((resolve, reject) => host.#waiting.set(STARTED, { resolve, reject }))
    } catch (error) {
      await host.#worker.terminate()
      throw error
    }
    return host
  }

  get address(): Host['address'] {
    return this.#address
  }

  connect(): Duplex {
    return connect({ ...this.#address, noDelay: true })
  }

  async advance(ms: number, options: AdvanceOptions): Promise<void> {
    await this.#ask({ call: 'advance', ms, options })
    await this.clock.advance(ms, options)
  }

  addFault(spec: FaultSpec): Promise<void> {
    return this.#ask({ call: 'addFault', spec })
  }

  addRandomFaults(spec: RandomFaultSpec): Promise<void> {
    return this.#ask({ call: 'addRandomFaults', spec })
  }

  removeFault(fault: number): Promise<void> {
    return this.#ask({ call: 'removeFault', fault })
  }

  clearFaults(): Promise<void> {
    return this.#ask({ call: 'clearFaults' })
  }

  setDisk(state: DiskState, fault: number): Promise<void> {
    return this.#ask({ call: 'setDisk', state, fault })
  }

  stop(crash: boolean): Promise<void> {
    return this.#ask({ call: 'stop', crash })
  }

  start(): Promise<void> {
    return this.#ask({ call: 'start' })
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    // A thread that is gone already needs no goodbye.
    await this.#ask({ call: 'close' }).catch(() => undefined)
    await this.#worker.terminate()
    this.clock.close()
  }

  #ask(call: WorkerCall): Promise<void> {
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      const message: ToWorker = { id, ...call }
      this.#worker.postMessage(message, [])
    })
  }

  #hear(message: FromWorker): void {
    if ('hit' in message) return this.#events.onHit(message.hit)
    const waiting = this.#waiting.get(message.id)
    this.#waiting.delete(message.id)
    if ('error' in message) return waiting?.reject(message.error)
    this.#address = message.address
    waiting?.resolve()
  }

  #failAll(error: Error): void {
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const one of waiting) one.reject(error)
  }
}
