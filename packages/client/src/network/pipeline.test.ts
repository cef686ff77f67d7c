import { encodeResponse, heartbeatApi, ManualClock, metadataApi, produceApi, readRequestHeader } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { EventEmitter } from '../events/emitter.ts'
import { createLogger, logLevel } from '../logger.ts'
import { Pipeline } from './pipeline.ts'

interface Laid {
  readonly pipeline: Pipeline
  readonly clock: ManualClock
  readonly events: EventEmitter
  readonly sent: { apiKey: number; correlationId: number }[]
  readonly silences: number[]
  /** Whether the socket takes more. */
  readonly socket: { isFull: boolean }
  answer(throttleTimeMs?: number, correlationId?: number): void
}

/** A pipeline without a socket; `answer` answers the oldest heartbeat. */
function laid(maxInFlightRequests: number | null = null): Laid {
  const clock = new ManualClock()
  const logger = createLogger({ level: logLevel.NOTHING })
  const events = new EventEmitter(clock, logger)
  const sent: { apiKey: number; correlationId: number }[] = []
  const silences: number[] = []
  const socket = { isFull: false }
  let answered = 0
  const pipeline = new Pipeline({
    clock,
    logger,
    events,
    maxInFlightRequests,
    clientId: 'test',
    broker: 'b:1',
    send(chunks) {
      sent.push(readRequestHeader(Buffer.concat(chunks).subarray(4)))
    },
    maySend: () => !socket.isFull,
    silent: waitedMs => void silences.push(waitedMs),
  })
  const answer = (throttleTimeMs = 0, correlationId = sent[answered]?.correlationId ?? -1): void => {
    answered++
    const frame = Buffer.concat(
      encodeResponse({ api: heartbeatApi, version: 4, correlationId, body: { throttleTimeMs, errorCode: 0 } }),
    ).subarray(4)
    pipeline.answered(frame, 0, frame.length, true)
  }
  return { pipeline, clock, events, sent, silences, socket, answer }
}

const beat = ({ pipeline }: Laid, timeoutMs = 1000) =>
  pipeline.request(heartbeatApi, 4, { groupId: 'g', generationId: 1, memberId: 'm' }, { timeoutMs })

describe('Pipeline', () => {
  it('has so many requests in flight and no more, and tells how many wait', async () => {
    const test = laid(2)
    const sizes: unknown[] = []
    test.events.on<{ queueSize: number }>('network.request_queue_size', ({ payload }) => void sizes.push(payload.queueSize))
    const answers = [beat(test), beat(test), beat(test), beat(test)]
    expect(test.sent.length).toBe(2)
    expect(sizes).toEqual([1, 2])
    test.answer()
    expect(test.sent.length).toBe(3)
    test.answer()
    test.answer()
    test.answer()
    await Promise.all(answers)
    expect(sizes).toEqual([1, 2, 1, 0])
  })

  it('sends nothing while the socket is full', () => {
    const test = laid()
    test.socket.isFull = true
    void beat(test)
    expect(test.sent.length).toBe(0)
    test.socket.isFull = false
    test.pipeline.proceed()
    expect(test.sent.length).toBe(1)
  })

  it('pauses as long as the broker asks (KIP-219)', () => {
    const test = laid()
    void beat(test)
    test.answer(500)
    void beat(test, 10_000)
    test.clock.advance(499)
    expect(test.sent.length).toBe(1)
    test.clock.advance(1)
    expect(test.sent.length).toBe(2)
  })

  it('times out what waits and what is in flight, each at its time, with one timer', async () => {
    const test = laid(1)
    const sentAt = test.clock.now()
    const first = beat(test, 300)
    const second = beat(test, 200)
    expect(test.clock.pending).toBe(1)
    test.clock.advance(200)
    await expect(second).rejects.toMatchObject({ name: 'KafkaJSRequestTimeoutError', correlationId: -1 })
    expect(test.silences).toEqual([])
    test.clock.advance(100)
    await expect(first).rejects.toMatchObject({ name: 'KafkaJSRequestTimeoutError', correlationId: 0, createdAt: sentAt, sentAt })
    expect(test.silences).toEqual([300])
  })

  it('keeps nothing of what is over while the broker wants nothing to be sent', async () => {
    const test = laid()
    const sizes: unknown[] = []
    const first = beat(test)
    test.answer(1_000_000)
    await first
    test.events.on<{ queueSize: number }>('network.request_queue_size', ({ payload }) => void sizes.push(payload.queueSize))
    const waiting = [beat(test), beat(test)]
    test.clock.advance(1000)
    for (const one of waiting) await expect(one).rejects.toThrow('timed out')
    expect(sizes).toEqual([1, 2, 0])
    const ending = new AbortController()
    const aborted = test.pipeline.post(produceApi, 9, { acks: 0, timeoutMs: 1, topicData: [] }, { timeoutMs: 1000, signal: ending.signal })
    ending.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    beat(test).catch(() => undefined)
    expect(sizes).toEqual([1, 2, 0, 1, 0, 1])
  })

  it('does not call a connection silent on which something came since', async () => {
    const test = laid()
    const first = beat(test)
    const second = beat(test, 300)
    test.clock.advance(10)
    test.answer()
    await first
    test.clock.advance(300)
    await expect(second).rejects.toThrow('timed out')
    expect(test.silences).toEqual([])
  })

  it('rejects what cannot be encoded, and nothing else', async () => {
    const test = laid()
    const bad = test.pipeline.request(heartbeatApi, 4, { groupId: 'x'.repeat(40_000), generationId: 1, memberId: 'm' }, { timeoutMs: 1000 })
    const good = beat(test)
    await expect(bad).rejects.toThrow()
    test.answer()
    expect((await good).errorCode).toBe(0)
  })

  it('throws for an answer that nobody asked for, and one that cannot be read', async () => {
    const test = laid()
    const answer = beat(test)
    expect(() => test.answer(0, 7)).toThrow('b:1 sent an answer with correlation id 7 where 0 was expected')
    await expect(answer).rejects.toThrow('where 0 was expected')
    const asked = test.pipeline.request(metadataApi, 12, { topics: null }, { timeoutMs: 1000 })
    const nonsense = Buffer.alloc(20, 0xff)
    nonsense.writeInt32BE(1, 0)
    expect(() => test.pipeline.answered(nonsense, 0, nonsense.length, true)).toThrow('cannot be read')
    await expect(asked).rejects.toThrow('b:1 answered Metadata(key: 3, version: 12) with something that cannot be read')
  })

  it('rejects all that waits when it is closed, requests without answers as well, and all that comes later', async () => {
    const test = laid(1)
    const work = [beat(test), beat(test), test.pipeline.post(produceApi, 9, { acks: 0, timeoutMs: 1, topicData: [] }, { timeoutMs: 1000 })]
    const reason = new Error('over')
    test.pipeline.close(reason)
    for (const one of [...work, beat(test)]) await expect(one).rejects.toBe(reason)
    expect(test.clock.pending).toBe(0)
  })
})
