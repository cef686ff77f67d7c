import { array, assert, boolean, infiniteStream, integer, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { InboundOwner } from './inbound.ts'
import { Inbound } from './inbound.ts'
import type { NetworkLimits } from './limits.ts'
import { defaultLimits } from './limits.ts'
import { RequestMemory } from './request-memory.ts'
import { framed } from './testing.ts'

/** Plays socket and connection for an Inbound. */
class Harness implements InboundOwner {
  readonly inbound: Inbound
  readonly memory: RequestMemory
  readonly served: string[] = []
  broken: { length: number; first: boolean } | null = null
  open = true
  paused = false
  /** Runs in each request, as a handler would. */
  onServe: () => void = () => undefined
  readonly #landing: Buffer
  #target: Buffer

  constructor({ landingBytes = 64, ...limits }: Partial<NetworkLimits> & { landingBytes?: number } = {}, memory?: RequestMemory) {
    const all = { ...defaultLimits, ...limits }
    this.memory = memory ?? new RequestMemory(all.queuedRequestBytes)
    this.#landing = Buffer.alloc(landingBytes)
    this.inbound = new Inbound({ landing: this.#landing, memory: this.memory, limits: all, owner: this })
    this.#target = this.inbound.target()
  }

  mayBegin(): boolean {
    return this.open
  }
  serve(buffer: Buffer, at: number, end: number): void {
    this.served.push(buffer.toString('latin1', at, end))
    this.onServe()
  }
  brokenLength(length: number, first: boolean): void {
    this.broken = { length, first }
    this.inbound.close()
  }
  pauseReading(): void {
    this.paused = true
  }
  resumeReading(): void {
    this.paused = false
  }

  /** Delivers bytes as reads into the targets of the Inbound; stops when paused and returns what is left. */
  read(bytes: Buffer): Buffer {
    let rest = bytes
    while (rest.length > 0 && !this.paused && this.broken === null) {
      const size = rest.copy(this.#target)
      const target = this.#target
      this.inbound.received(target, size)
      // What the shared slab holds is overwritten by the next connection that reads.
      if (target === this.#landing) target.fill(0x58)
      this.#target = this.inbound.target()
      rest = rest.subarray(size)
    }
    return rest
  }
}

const request = (size: number, letter: string) => Buffer.alloc(size, letter)

describe('Inbound', () => {
  it('finds requests wherever the bytes are split', () => {
    const bodies = [request(8, 'a'), request(30, 'b'), request(200, 'c'), request(9, 'd'), request(64, 'e')]
    const stream = Buffer.concat(bodies.map(framed))
    for (let split = 0; split <= stream.length; split++) {
      const harness = new Harness()
      harness.read(stream.subarray(0, split))
      harness.read(stream.subarray(split))
      expect(harness.served, `split at ${split}`).toEqual(bodies.map(String))
      expect(harness.memory.usedBytes).toBe(0)
      expect(harness.inbound.unfinished).toBe(false)
    }
  })

  it('keeps order and bytes however reads, waits and memory fall', () => {
    const sizes = array(integer({ min: 8, max: 700 }), { minLength: 1, maxLength: 30 })
    const cuts = infiniteStream(integer({ min: 1, max: 300 }))
    const gates = infiniteStream(boolean())
    assert(
      property(sizes, cuts, gates, integer({ min: 100, max: 3000 }), (lengths, cut, gate, memoryBytes) => {
        const memory = new RequestMemory(memoryBytes)
        const streams = ['a', 'n'].map(first =>
          lengths.map((size, i) => request(size, String.fromCharCode(first.charCodeAt(0) + (i % 13)))),
        )
        const sides = streams.map(bodies => ({
          bodies,
          harness: new Harness({}, memory),
          rest: Buffer.concat(bodies.map(framed)) as Buffer,
        }))
        for (const { harness } of sides) harness.onServe = () => (harness.open = gate.next().value)
        for (let round = 0; sides.some(({ bodies, harness }) => harness.served.length < bodies.length); round++) {
          expect(round).toBeLessThan(5000)
          for (const side of sides) {
            const some = side.rest.subarray(0, cut.next().value)
            const left = side.harness.read(some)
            side.rest = side.rest.subarray(some.length - left.length)
            side.harness.open = true
            side.harness.inbound.proceed()
          }
        }
        for (const { bodies, harness } of sides) {
          expect(harness.served).toEqual(bodies.map(String))
          expect(harness.broken).toBe(null)
        }
        expect(memory.usedBytes).toBe(0)
        expect(memory.waiting).toBe(0)
      }),
      { numRuns: 300 },
    )
  })

  it.each([-1, 0, 7, -2147483648, 101, 2147483647])('refuses the length %i', length => {
    const harness = new Harness({ requestMaxBytes: 100 })
    const prefix = Buffer.alloc(4)
    prefix.writeInt32BE(length)
    harness.read(prefix)
    expect(harness.broken).toEqual({ length, first: true })
    const later = new Harness({ requestMaxBytes: 100 })
    later.read(Buffer.concat([framed(request(100, 'x')), prefix, framed(request(100, 'y'))]))
    expect(later.served).toHaveLength(1)
    expect(later.broken).toEqual({ length, first: false })
    expect(later.memory.usedBytes).toBe(0)
  })

  it('takes memory for what has come, not for what is promised', () => {
    const harness = new Harness({ requestMaxBytes: 100_000_000 })
    const prefix = Buffer.alloc(4)
    prefix.writeInt32BE(100_000_000)
    harness.read(prefix)
    expect(harness.memory.usedBytes).toBe(0)
    harness.read(request(10, 'x'))
    expect(harness.memory.usedBytes).toBe(16_384)
    harness.read(request(16_384, 'x'))
    expect(harness.memory.usedBytes).toBe(131_072)
    harness.inbound.close()
    expect(harness.memory.usedBytes).toBe(0)
  })

  it('stops reading when the next request may not begin, and goes on', () => {
    const harness = new Harness()
    harness.onServe = () => (harness.open = false)
    const bodies = [1, 2, 3, 4, 5].map(i => request(20, String(i)))
    let rest = harness.read(Buffer.concat(bodies.map(framed)))
    expect(harness.served).toHaveLength(1)
    expect(harness.paused).toBe(true)
    for (let count = 2; count <= 5; count++) {
      harness.open = true
      harness.inbound.proceed()
      rest = harness.read(rest)
      expect(harness.served).toHaveLength(count)
    }
    expect(harness.served).toEqual(bodies.map(String))
    expect(harness.paused).toBe(false)
  })

  it('lets one request past the memory limit so that not all wait for one another', () => {
    const memory = new RequestMemory(1000)
    const harnesses = Array.from({ length: 5 }, () => new Harness({}, memory))
    const bytes = framed(request(900, 'x'))
    const rests: Buffer[] = harnesses.map(harness => Buffer.concat([harness.read(bytes.subarray(0, 600)), bytes.subarray(600)]))
    expect(memory.waiting).toBe(3)
    expect(memory.usedBytes).toBeLessThanOrEqual(900 * 2 + 3 * 64)
    expect(harnesses.map(harness => harness.paused)).toEqual([false, false, true, true, true])
    for (let round = 0; round < 5; round++) harnesses.forEach((harness, i) => (rests[i] = harness.read(rests[i] ?? bytes)))
    expect(harnesses.every(harness => harness.served.length === 1)).toBe(true)
    expect(memory.usedBytes).toBe(0)
    expect(memory.waiting).toBe(0)
  })

  it('holds nothing after it is closed in the middle of a request', () => {
    const harness = new Harness()
    harness.onServe = () => harness.inbound.close()
    harness.read(Buffer.concat([framed(request(300, 'x')), framed(request(300, 'y'))]))
    expect(harness.served).toHaveLength(1)
    expect(harness.memory.usedBytes).toBe(0)
  })
})
