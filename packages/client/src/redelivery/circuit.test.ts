// A circuit pauses and resumes consumers, and leaves no timers behind.
import { expect, test } from 'vitest'
import { EventEmitter } from '../events/emitter.ts'
import { createLogger } from '../logger.ts'
import { Breaker } from './breaker.ts'
import type { Pausable } from './circuit.ts'
import { Circuit } from './circuit.ts'
import { RedeliveryEvents } from './events.ts'

/** A circuit of two consumers, and the timers that are set. */
function circuitOf(resume: Pausable['resume'] = () => undefined) {
  const timers = new Set<() => void>()
  const clock = {
    now: () => 0,
    monotonic: () => 0,
    after: (_delayMs: number, run: () => void) => {
      const timer = () => {
        timers.delete(timer)
        run()
      }
      timers.add(timer)
      return { cancel: () => void timers.delete(timer) }
    },
  }
  const logger = createLogger({ level: 0 })
  const breaker = new Breaker({ deadLetters: 1, windowMs: 10, pauseMs: null })
  const paused: string[] = []
  const consumer = (topic: string): Pausable => ({
    assignment: () => [{ topic, partitions: [0] }],
    paused: () => (paused.includes(topic) ? [{ topic, partitions: [0] }] : []),
    pause: () => void paused.push(topic),
    resume,
  })
  const events = new RedeliveryEvents(new EventEmitter(clock, logger))
  const consumers = [consumer('a'), consumer('b')]
  const circuit = new Circuit({ clock, logger, groupId: 'g', breaker, events, consumers })
  return { circuit, breaker, timers, paused, events }
}

test('an open circuit pauses what there is, and goes on looking', () => {
  const { circuit, breaker, timers, paused } = circuitOf()
  breaker.deadLetter(0)
  circuit.open()
  expect([paused, timers.size]).toEqual([['a', 'b'], 1])
  circuit.resumed()
  expect([breaker.isOpen, timers.size]).toEqual([false, 0])
})

test('consumers that cannot be resumed are resumed later, with one timer', () => {
  let isReady = false
  const resumed: unknown[] = []
  const { circuit, breaker, timers } = circuitOf(topics => {
    if (!isReady) throw new Error('begins anew')
    resumed.push(topics)
  })
  breaker.deadLetter(0)
  circuit.open()
  circuit.resumed()
  expect(timers.size).toBe(1)
  isReady = true
  for (const timer of timers) timer()
  expect([resumed.length, timers.size]).toEqual([2, 0])
})

test('after the end nothing is paused any more, though handlers still fail', () => {
  const { circuit, breaker, timers, paused, events } = circuitOf()
  circuit.end()
  breaker.deadLetter(0)
  circuit.open()
  circuit.resumed()
  expect([paused, timers.size, events.counts.circuitOpened]).toEqual([[], 0, 0])
})
