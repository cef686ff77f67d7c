import { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { openReceiver, unsentBytes } from './receive.ts'

const sink = { target: () => Buffer.alloc(10), received: () => undefined }

describe('openReceiver', () => {
  it("falls back to 'data' events where the socket has no handle that can be taken over", () => {
    const socket = new Socket()
    expect(openReceiver(socket, sink, 'slab')).toEqual({ socket, way: 'data' })
    expect(socket.listenerCount('data')).toBe(1)
    Reflect.set(socket, '_handle', { close() {} })
    expect(openReceiver(socket, sink, 'slab').way).toBe('data')
    Reflect.set(socket, '_handle', null)
    socket.destroy()
  })

  it('knows nothing of unsent bytes without a handle', () => {
    expect(unsentBytes(new Socket())).toBe(0)
  })
})
