// Random bytes to the assembler of frames: whatever comes, it throws nothing, and takes no more memory than a small multiple of what came.
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { FrameAssembler } from './frames.ts'

it('takes any bytes', () => {
  const length = fc.oneof(fc.integer(), fc.integer({ min: 0, max: 300 }), fc.constantFrom(0x7fffffff, -1, 0x48545450, 256 * 1024 * 1024))
  const piece = fc.tuple(length, fc.uint8Array({ maxLength: 300 }), fc.boolean())
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), pieces => {
      let delivered = 0
      let came = 0
      const frames = new FrameAssembler({
        frame(buffer, at, end) {
          expect(end - at).toBeGreaterThanOrEqual(4)
          expect(end).toBeLessThanOrEqual(buffer.length)
          delivered += end - at
        },
        brokenLength: () => undefined,
      })
      for (const [size, bytes, lands] of pieces) {
        const prefix = Buffer.alloc(4)
        prefix.writeInt32BE(size | 0)
        const all = Buffer.concat([prefix, bytes])
        came += all.length
        if (!lands) {
          frames.received(all)
          continue
        }
        for (let at = 0; at < all.length; ) {
          const target = frames.target()
          expect(target.length).toBeGreaterThan(0)
          expect(target.length).toBeLessThanOrEqual(1024 * 1024)
          const copied = all.copy(target, 0, at, Math.min(all.length, at + target.length))
          frames.landed(copied)
          at += copied
        }
      }
      expect(delivered).toBeLessThanOrEqual(came)
    }),
  )
})
