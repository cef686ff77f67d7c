import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameAssembler, MAX_FRAME_BYTES } from './frames.ts'

/** An assembler and what came out of it. */
function assembling(): { frames: FrameAssembler; seen: Buffer[]; owned: boolean[]; broken: number[] } {
  const seen: Buffer[] = []
  const owned: boolean[] = []
  const broken: number[] = []
  const frames = new FrameAssembler({
    frame(buffer, at, end, own) {
      seen.push(Buffer.from(buffer.subarray(at, end)))
      owned.push(own)
    },
    brokenLength: length => void broken.push(length),
  })
  return { frames, seen, owned, broken }
}

const framed = (body: Buffer): Buffer => {
  const prefix = Buffer.alloc(4)
  prefix.writeInt32BE(body.length)
  return Buffer.concat([prefix, body])
}

/** Gives bytes as a socket with `onread` does: never more than there is room for. */
function land(frames: FrameAssembler, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) {
    const target = frames.target()
    const size = bytes.copy(target, 0, at, Math.min(bytes.length, at + target.length))
    frames.landed(size)
    at += size
  }
}

describe('FrameAssembler', () => {
  it('gives out the same frames, however their bytes are cut, in either way of reading', () => {
    const body = fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 60 }), fc.integer({ min: 100_000, max: 400_000 }).map(sizeOnly))
    const cuts = fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(fc.array(body, { maxLength: 6 }), cuts, fc.boolean(), (bodies, sizes, lands) => {
        const { frames, seen } = assembling()
        const wanted = bodies.map(one => Buffer.from(one))
        const all = Buffer.concat(wanted.map(framed))
        for (let at = 0, turn = 0; at < all.length; turn++) {
          const piece = all.subarray(at, at + (sizes[turn % sizes.length] ?? 1))
          at += piece.length
          if (lands) land(frames, piece)
          else frames.received(Buffer.from(piece))
        }
        expect(seen.length).toBe(wanted.length)
        for (const [index, one] of wanted.entries()) expect(seen[index]?.equals(one)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it('does not copy a frame that came whole in a buffer of its own', () => {
    const { frames, owned } = assembling()
    frames.received(framed(Buffer.from('whole')))
    expect(owned).toEqual([true])
    land(frames, framed(Buffer.from('landed')))
    expect(owned).toEqual([true, false])
  })

  it('reads the rest of a long frame straight into its buffer', () => {
    const { frames, seen } = assembling()
    const body = Buffer.alloc(600_000, 'abcdefg')
    const bytes = framed(body)
    frames.target()
    bytes.copy(frames.target(), 0, 0, 1000)
    frames.landed(1000)
    expect(frames.target().length).toBe(600_000 - 996)
    land(frames, bytes.subarray(1000))
    expect(seen[0]?.equals(body)).toBe(true)
  })

  it('gives no memory for a length that nothing follows', () => {
    const { frames } = assembling()
    const prefix = Buffer.alloc(8)
    prefix.writeInt32BE(MAX_FRAME_BYTES)
    frames.received(prefix)
    expect(frames.target().length).toBeLessThanOrEqual(1024 * 1024)
  })

  it('refuses lengths that cannot be, and reads nothing more', () => {
    for (const length of [-1, 0, 3, MAX_FRAME_BYTES + 1, 0x48545450, 0x15030100]) {
      const { frames, seen, broken } = assembling()
      const prefix = Buffer.alloc(4)
      prefix.writeInt32BE(length)
      frames.received(Buffer.concat([prefix, framed(Buffer.from('after'))]))
      frames.received(framed(Buffer.from('after')))
      expect(broken).toEqual([length])
      expect(seen).toEqual([])
    }
  })

  it('hands out nothing after it was closed, also by the one who takes the frames', () => {
    const seen: number[] = []
    const frames: FrameAssembler = new FrameAssembler({
      frame(_buffer, at) {
        seen.push(at)
        frames.close()
      },
      brokenLength: () => undefined,
    })
    frames.received(Buffer.concat([framed(Buffer.from('first')), framed(Buffer.from('second'))]))
    expect(seen.length).toBe(1)
  })
})

const sizeOnly = (size: number): Uint8Array => Buffer.alloc(size, size % 251)
