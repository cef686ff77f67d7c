// Requests whose bytes a handler keeps beyond its own turn.
import { describe, expect, it } from 'vitest'
import { Inbound } from './inbound.ts'
import { defaultLimits } from './limits.ts'
import { RequestMemory } from './request-memory.ts'
import { framed } from './testing.ts'

/** Reads into an Inbound whose requests are kept where they can be. */
const start = (memory = new RequestMemory(defaultLimits.queuedRequestBytes)) => {
  const landing = Buffer.alloc(64)
  const kept: ({ bytes: Buffer; release: () => void } | null)[] = []
  const inbound: Inbound = new Inbound({
    landing,
    memory,
    limits: defaultLimits,
    owner: {
      mayBegin: () => true,
      serve: (buffer, at, end) => {
        const release = inbound.keepServed()
        kept.push(release === null ? null : { bytes: buffer.subarray(at, end), release })
      },
      brokenLength: () => undefined,
      pauseReading: () => undefined,
      resumeReading: () => undefined,
    },
  })
  const read = (bytes: Buffer): void => {
    for (let rest = bytes; rest.length > 0; ) {
      const target = inbound.target()
      const size = rest.copy(target)
      inbound.received(target, size)
      if (target === landing) target.fill(0x58)
      rest = rest.subarray(size)
    }
  }
  return { memory, inbound, kept, read }
}

describe('a request that is kept', () => {
  it('stays as it is, and counts, until it is released, whatever comes meanwhile and whether the connection closes', () => {
    const { memory, inbound, kept, read } = start()
    read(framed(Buffer.alloc(1000, 'a')))
    read(framed(Buffer.alloc(1000, 'b')))
    read(framed(Buffer.alloc(1000, 'c')).subarray(0, 500))
    expect(kept.map(one => one?.bytes.toString('latin1', 0, 3))).toEqual(['aaa', 'bbb'])
    const usedBytes = memory.usedBytes
    kept[0]?.release()
    expect(memory.usedBytes).toBeLessThan(usedBytes)
    inbound.close()
    expect(kept[1]?.bytes.equals(Buffer.alloc(1000, 'b'))).toBe(true)
    expect(memory.usedBytes).toBeGreaterThan(0)
    kept[1]?.release()
    expect(memory.usedBytes).toBe(0)
  })

  it('is none where it lies among those of others', () => {
    const { memory, kept, read } = start()
    read(framed(Buffer.alloc(10, 'a')))
    expect(kept).toEqual([null])
    expect(memory.usedBytes).toBe(0)
  })
  it('is all that goes past the limit of memory until it is released, though its connection closes', () => {
    const memory = new RequestMemory(32_768)
    memory.force(32_768)
    const first = start(memory)
    first.read(framed(Buffer.alloc(30_000, 'a')))
    expect(first.kept).toHaveLength(1)
    const usedBytes = memory.usedBytes
    first.inbound.close()
    const second = start(memory)
    second.read(framed(Buffer.alloc(30_000, 'b')).subarray(0, 64))
    expect([memory.usedBytes - usedBytes, memory.waiting]).toEqual([60, 1])
    first.kept[0]?.release()
    expect(memory.waiting).toBe(0)
    second.inbound.close()
    expect(memory.usedBytes).toBe(32_768)
  })

  it('lets others have their turn before the next of its connection goes past the limit', () => {
    const memory = new RequestMemory(32_768)
    memory.force(32_768)
    const frame = framed(Buffer.alloc(30_000, 'a'))
    const first = start(memory)
    first.read(frame)
    first.read(frame.subarray(0, 64))
    const second = start(memory)
    second.read(frame.subarray(0, 64))
    expect([first.kept.length, memory.waiting]).toEqual([1, 2])
    first.kept[0]?.release()
    expect(memory.waiting).toBe(1)
    first.read(frame.subarray(64))
    first.read(frame.subarray(0, 64))
    expect([first.kept.length, memory.waiting]).toEqual([2, 2])
    first.kept[1]?.release()
    second.read(frame.subarray(64))
    expect(second.kept).toHaveLength(1)
  })
})
