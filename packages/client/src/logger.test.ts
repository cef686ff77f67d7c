// Loggers: levels, namespaces, the console, and loggers of other makes.
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createLogger, type LogEntry, logLevel, toLogger } from './logger.ts'

const collect = () => {
  const entries: LogEntry[] = []
  return { entries, logCreator: vi.fn(() => (entry: LogEntry) => void entries.push(entry)) }
}

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

describe('createLogger', () => {
  it('gives entries of its level and above to what the log creator made', () => {
    const { entries, logCreator } = collect()
    const logger = createLogger({ level: logLevel.WARN, logCreator })
    logger.info('no')
    logger.warn('yes', { a: 1 })
    expect(logCreator).toHaveBeenCalledWith(logLevel.WARN)
    expect(entries).toHaveLength(1)
    expect(entries[0]).toMatchObject({ namespace: '', level: 2, label: 'WARN', log: { logger: 'kafkajs', message: 'yes', a: 1 } })
    expect(Date.parse(entries[0]?.log.timestamp ?? '')).not.toBeNaN()
  })

  it('has namespaces that share the level, or have their own', () => {
    const { entries, logCreator } = collect()
    const logger = createLogger({ level: logLevel.ERROR, logCreator })
    const shared = logger.namespace('Shared')
    const own = logger.namespace('Own', logLevel.DEBUG)
    shared.debug('1')
    own.debug('2')
    logger.setLogLevel(logLevel.DEBUG)
    shared.debug('3')
    expect(entries.map(({ namespace, log }) => `${namespace} ${log.message}`)).toEqual(['Own 2', 'Shared 3'])
  })

  it('takes its level from the environment first', () => {
    vi.stubEnv('KAFKAJS_LOG_LEVEL', 'nothing')
    const { entries, logCreator } = collect()
    createLogger({ level: logLevel.DEBUG, logCreator }).namespace('x', logLevel.DEBUG).error('no')
    expect(entries).toEqual([])
    expect(logCreator).toHaveBeenCalledWith(logLevel.NOTHING)
  })

  it('writes a line of JSON to the console, whatever it is given', () => {
    const lines: string[] = []
    vi.spyOn(console, 'error').mockImplementation((line: string) => void lines.push(line))
    const cyclic: Record<string, unknown> = {}
    cyclic['self'] = cyclic
    const logger = createLogger().namespace('Part')
    logger.error('text', { big: 5n })
    logger.error('cycle', { cyclic })
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'ERROR', message: '[Part] text', big: '5', logger: 'kafkajs' })
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({ message: '[Part] cycle' })
  })
})

describe('toLogger', () => {
  it('hands entries to a logger of the shape of pino', () => {
    const told: unknown[] = []
    const method = (name: string) => (fields: object, message: string) => void told.push([name, fields, message])
    const pino = { debug: method('debug'), info: method('info'), warn: method('warn'), error: method('error') }
    const logger = createLogger({ level: logLevel.DEBUG, logCreator: toLogger(pino) })
    logger.namespace('Part').warn('w', { a: 1 })
    logger.debug('d')
    expect(told).toEqual([
      ['warn', { a: 1, namespace: 'Part' }, 'w'],
      ['debug', {}, 'd'],
    ])
  })
})
