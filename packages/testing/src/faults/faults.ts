// Faults as tests script them: `kafka.faults`.
import { AssertionError } from 'node:assert'
import { ErrorCode } from '@ottla/protocol'
import type { Host } from '../host/host.ts'
import { type Duration, milliseconds } from '../duration.ts'
import { forgetSeed, noteSeed } from '../seeds.ts'
import { Fault, type FaultTerms } from './fault.ts'
import type { ApiName, FaultAction, FaultErrorName, FaultFilter, FaultOptions, RandomFaultKind } from './specs.ts'
import { apiNames, randomFaultApis } from './specs.ts'

/** An error instead of an answer. */
export interface FailOptions extends FaultOptions {
  /** The error by its name in the protocol. */
  readonly errorCode: FaultErrorName
}

/** Requests that are handled late. */
export interface DelayOptions extends FaultOptions {
  readonly by: Duration
  /** Up to so much more, by chance. */
  readonly jitter?: Duration
}

/** Connections that are closed. */
export interface DropOptions extends FaultOptions {
  /** 'before' (default): the request has not happened. 'after': it has, and its answer is lost. */
  readonly when?: 'before' | 'after'
}

/** Faults by chance. */
export interface RandomOptions {
  /** Which part of all requests fails: 0 to 1. */
  readonly rate: number
  /** By default error, delay, drop before and drop after. */
  readonly kinds?: readonly RandomFaultKind[]
  /** By default those that running producers and consumers use. */
  readonly apis?: readonly ApiName[]
  /** The longest delay, 100 ms by default. */
  readonly maxDelay?: Duration
  /** By default the seed of the broker. */
  readonly seed?: number
}

/** What the faults of a broker need besides it. */
export interface FaultsParts {
  readonly host: () => Host
  readonly seed: number
  /** Makes a group lose a member, or all of them; returns how many. */
  readonly expire: (group: string, memberId: string | undefined) => Promise<number>
}

/** All faults of one broker. What chance decides is the same for the same `seed`. */
export class Faults {
  readonly #parts: FaultsParts
  readonly #faults = new Map<number, Fault>()
  #lastId = 0
  #hasRandom = false

  constructor(parts: FaultsParts) {
    this.#parts = parts
  }

  /** Whether faults by chance were asked for since the last reset. */
  get hasRandom(): boolean {
    return this.#hasRandom
  }

  /** Answers a request with an error, in every place of the answer that can hold one. The request is not handled. */
  fail(api: ApiName, options: FailOptions): Fault {
    const code = ErrorCode[options.errorCode]
    if (code === undefined) throw new TypeError(`'${options.errorCode}' is no error of the protocol`)
    return this.#script(api, { kind: 'error', code }, { options, about: options.errorCode })
  }

  /** Handles a request later than it came, by the broker's clock. */
  delay(api: ApiName, options: DelayOptions): Fault {
    const delayMs = milliseconds(options.by)
    const action: FaultAction = { kind: 'delay', delayMs, jitterMs: milliseconds(options.jitter ?? 0) }
    return this.#script(api, action, { options, about: `delayed by ${delayMs} ms` })
  }

  /** Closes the connection that a request came by, before or after it was handled. */
  dropConnection(api: ApiName, options: DropOptions = {}): Fault {
    const when = options.when ?? 'before'
    return this.#script(api, { kind: 'drop', when }, { options, about: `connection dropped ${when} handling` })
  }

  /** Handles a request and loses the answer: the client cannot know whether it happened. */
  loseAnswer(api: ApiName, options: FaultOptions = {}): Fault {
    return this.dropConnection(api, { ...options, when: 'after' })
  }

  /**
   * Handles a request and does not answer it, nor what comes after it on that connection, which stays: the client has to give up by itself.
   * Answers leave when the fault is lifted.
   */
  hang(api: ApiName, options: FaultOptions = {}): Fault {
    return this.#script(api, { kind: 'hang' }, { options, about: 'not answered' })
  }

  /** Gives a batch of records in an answer to Fetch a wrong checksum. Only answers with such batches count. */
  corrupt(options: FaultOptions = {}): Fault {
    return this.#script('Fetch', { kind: 'corrupt' }, { options, about: 'batch with a wrong checksum' })
  }

  /** Makes every request slow, until the fault is lifted. */
  slowBroker(options: Omit<DelayOptions, 'nth' | 'times'>): Fault {
    const delayMs = milliseconds(options.by)
    const action: FaultAction = { kind: 'delay', delayMs, jitterMs: milliseconds(options.jitter ?? 0) }
    return this.#script(null, action, { options: { ...options, times: Number.POSITIVE_INFINITY }, about: `slow by ${delayMs} ms` })
  }

  /** The disk has no room for anything more, until the fault is lifted. Consumed by the first write that fails. */
  fullDisk(): Fault {
    return this.#disk('full', 'full disk')
  }

  /** The disk fails to read and write. The broker gives it up then; `lift` and `kafka.restart()` bring it back. */
  failingDisk(): Fault {
    return this.#disk('failing', 'failing disk')
  }

  /**
   * Ends the session of a member of a group, or of all its members, as if they had not been heard of for too long. Resolves with how many there
   * were; rejects where there was none, as nothing would happen then.
   */
  async expireSession(group: string, memberId?: string): Promise<number> {
    const count = await this.#parts.expire(group, memberId)
    if (count === 0)
      throw new Error(`group ${group} has no ${memberId === undefined ? 'members' : `member ${memberId}`} whose session could end`)
    return count
  }

  /** Faults by chance, the same for the same seed. Lift them with the fault that is returned. */
  random(options: RandomOptions): Fault {
    const { apis = randomFaultApis, kinds = ['error', 'delay', 'drop before', 'drop after'], rate, seed = this.#parts.seed } = options
    if (!(rate >= 0 && rate <= 1)) throw new RangeError(`rate: ${rate}: a part of all requests, from 0 to 1`)
    for (const api of apis) checkApi(api)
    this.#hasRandom = true
    noteSeed(this, seed)
    const fault = this.#fault({ about: `random faults (seed ${seed})`, times: Number.POSITIVE_INFINITY, isOptional: true })
    const maxDelayMs = milliseconds(options.maxDelay ?? 100)
    fault.armed(this.#parts.host().addRandomFaults({ id: fault.id, seed, rate, kinds, apis, maxDelayMs }))
    return fault
  }

  /** Throws AssertionError unless every scripted fault has happened as often as it was to. */
  assertAllConsumed(): void {
    const left = [...this.#faults.values()].filter(fault => !fault.isConsumed)
    if (left.length === 0) return
    const message = `faults that did not happen:\n${left.map(fault => `  ${fault.toString()}`).join('\n')}`
    throw new AssertionError({ message })
  }

  /** Lifts all faults and forgets them. */
  async clear(): Promise<void> {
    this.forget()
    await this.#parts.host().clearFaults()
  }

  /** Forgets all faults, with a broker that is gone. */
  forget(): void {
    for (const fault of this.#faults.values()) fault.forgotten()
    this.#faults.clear()
    this.#hasRandom = false
    forgetSeed(this)
  }

  /** A fault took a request. */
  hit(id: number): void {
    this.#faults.get(id)?.hit()
  }

  #disk(state: 'full' | 'failing', about: string): Fault {
    const fault = this.#fault({ about, times: Number.POSITIVE_INFINITY, isOptional: false })
    fault.armed(this.#parts.host().setDisk(state, fault.id))
    return fault
  }

  #script(api: ApiName | null, action: FaultAction, { about, options }: { options: FaultOptions; about: string }): Fault {
    if (api !== null) checkApi(api)
    const { nth = 1, times = 1 } = options
    if (!Number.isInteger(nth) || nth < 1) throw new RangeError(`nth: ${nth}: requests are counted from 1`)
    if (!(times >= 1)) throw new RangeError(`times: ${times}: at least once`)
    const filter = filterOf(options)
    const which = Object.entries(filter).map(([name, value]) => `${name} ${value}`)
    const name = [api ?? 'any request', ...which].join(', ')
    const fault = this.#fault({ about: `${name}: ${about}${nth > 1 ? `, from request ${nth} on` : ''}`, times, isOptional: api === null })
    fault.armed(this.#parts.host().addFault({ id: fault.id, api, action, filter, nth, times }))
    return fault
  }

  #fault(terms: Pick<FaultTerms, 'about' | 'times' | 'isOptional'>): Fault {
    const id = ++this.#lastId
    const lift = async (): Promise<void> => this.#parts.host().removeFault(id)
    const fault = new Fault({ ...terms, id, lift })
    this.#faults.set(id, fault)
    return fault
  }
}

/** A name that is misspelt would be a fault that never happens. */
function checkApi(api: string): void {
  if (apiNames.some(name => name === api)) return
  const meant = apiNames.find(name => name.toLowerCase() === api.toLowerCase())
  throw new TypeError(
    `'${api}' is no API of the broker${meant === undefined ? `; there are ${apiNames.join(', ')}` : `: write '${meant}'`}`,
  )
}

function filterOf({ clientId, group, partition, topic, transactionalId }: FaultFilter): FaultFilter {
  return {
    ...(topic === undefined ? {} : { topic }),
    ...(partition === undefined ? {} : { partition }),
    ...(group === undefined ? {} : { group }),
    ...(transactionalId === undefined ? {} : { transactionalId }),
    ...(clientId === undefined ? {} : { clientId }),
  }
}
