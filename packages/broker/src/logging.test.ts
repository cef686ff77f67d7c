import { describe, expect, it } from 'vitest'
import { createLogger, readableLine } from './logging.ts'

describe('the log', () => {
  it('has lines of JSON for programs', () => {
    const lines: string[] = []
    const logger = createLogger({ level: 'info', readable: false, output: { write: line => lines.push(line) } })
    logger.child({ part: 'x' }).warn({ port: 9092 }, 'taken')
    logger.debug({}, 'not shown')
    expect(lines.map(line => JSON.parse(line))).toEqual([expect.objectContaining({ level: 40, part: 'x', port: 9092, msg: 'taken' })])
  })

  it('has short lines for people', () => {
    const line = readableLine(
      JSON.stringify({ level: 50, time: 3_723_004, msg: 'failed', topic: 'a', n: 1, err: { stack: 'Error: x\n  at y' } }),
      false,
    )
    expect(line).toBe('01:02:03.004 ERROR failed topic=a n=1\n    Error: x\n    at y\n')
    const hostile = readableLine(JSON.stringify({ level: 30, time: 0, msg: 'a\u001b[2J', client: 'b\nc\u009b' }), false)
    expect(hostile).toBe('00:00:00.000 INFO  a\\u001b[2J client=b\\u000ac\\u009b\n')
    expect(readableLine('{"level":30,"time":0,"msg":"ok"}', true)).toContain('\u001b[32mINFO \u001b[0m ok')
  })
})
