import type { Clock, Logger } from '@ottla/protocol'
import { expect, it } from 'vitest'
import { limitedWarnings } from './rate-limited-log.ts'

it('lets ten warnings of a kind through in ten seconds, and tells how many more there were', () => {
  const lines: string[] = []
  const logger: Logger = {
    debug: () => undefined,
    info: (_fields, message) => void lines.push(message),
    warn: (_fields, message) => void lines.push(message),
    error: () => undefined,
    child: () => logger,
  }
  let now = 0
  const clock: Clock = { now: () => now, monotonic: () => now, after: () => ({ cancel: () => undefined }) }
  const limited = limitedWarnings(logger, clock)
  for (let line = 0; line < 15; line++) limited.warn({}, 'too large')
  limited.warn({}, 'other')
  for (let line = 0; line < 12; line++) limited.info({}, 'told')
  expect(lines).toEqual([...Array.from({ length: 10 }, () => 'too large'), 'other', ...Array.from({ length: 12 }, () => 'told')])
  lines.length = 0
  now = 10_000
  limited.warn({}, 'too large')
  expect(lines).toEqual(['5 more log lines of this kind left out', 'too large'])
})
