// Loggers as KafkaJS has them: levels, namespaces, and a `logCreator` that says where entries go. Without one, a line of JSON on the console.

/** What is logged. */
export const logLevel = { NOTHING: 0, ERROR: 1, WARN: 2, INFO: 4, DEBUG: 5 } as const
export type logLevel = (typeof logLevel)[keyof typeof logLevel]

/** What goes with a message. */
export interface LoggerEntryContent {
  readonly timestamp: string
  readonly message: string
  readonly [key: string]: unknown
}

/** One entry of the log. */
export interface LogEntry {
  namespace: string
  level: logLevel
  /** The level's name. */
  label: string
  log: LoggerEntryContent
}

/** Makes what entries are given to; it is told the level at the beginning. */
export type logCreator = (logLevel: logLevel) => (entry: LogEntry) => void

/** Takes messages and what goes with them. */
export interface Logger {
  info: (message: string, extra?: object) => void
  error: (message: string, extra?: object) => void
  warn: (message: string, extra?: object) => void
  debug: (message: string, extra?: object) => void
  /** A logger for a part of the client, with a level of its own if one is given. */
  namespace: (namespace: string, logLevel?: logLevel) => Logger
  /** Changes the level of this logger and of all others of the same client that have none of their own. */
  setLogLevel: (logLevel: logLevel) => void
}

/** How a logger is made. */
export interface LoggerOptions {
  /** INFO by default; the environment variable KAFKAJS_LOG_LEVEL overrules it. */
  readonly level?: logLevel | undefined
  readonly logCreator?: logCreator | undefined
}

/** A logger whose namespaces share its level and what entries go to. */
export function createLogger({ level = logLevel.INFO, logCreator = consoleLogCreator }: LoggerOptions = {}): Logger {
  let shared = levelOfEnvironment() ?? level
  const write = logCreator(shared)
  const namespaced = (namespace: string, own: logLevel | undefined): Logger => {
    const logs = (label: 'INFO' | 'ERROR' | 'WARN' | 'DEBUG') => (message: string, extra?: object) => {
      const entryLevel = logLevel[label]
      if (entryLevel > (own ?? shared)) return
      write({ namespace, level: entryLevel, label, log: { timestamp: new Date().toISOString(), logger: 'kafkajs', message, ...extra } })
    }
    return {
      info: logs('INFO'),
      error: logs('ERROR'),
      warn: logs('WARN'),
      debug: logs('DEBUG'),
      namespace: (name, ownLevel) => namespaced(name, levelOfEnvironment() ?? ownLevel),
      setLogLevel: newLevel => {
        shared = newLevel
      },
    }
  }
  return namespaced('', undefined)
}

/** Writes entries to the console, one line of JSON each. */
export const consoleLogCreator: logCreator = () => {
  const outlets = {
    [logLevel.ERROR]: console.error,
    [logLevel.WARN]: console.warn,
    [logLevel.INFO]: console.info,
    [logLevel.DEBUG]: console.log,
  }
  return ({ namespace, level, label, log }) => {
    if (level === logLevel.NOTHING) return
    const message = namespace === '' ? log.message : `[${namespace}] ${log.message}`
    outlets[level](jsonOf({ level: label, ...log, message }))
  }
}

/** A logger with pino's methods: fields first, then the message. */
export interface FieldsFirstLogger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** A `logCreator` for pino and what has its shape: `new Kafka({ logCreator: toLogger(pino()) })`. */
export const toLogger =
  (logger: FieldsFirstLogger): logCreator =>
  () =>
  ({ namespace, level, log }) => {
    const { message, timestamp: _timestamp, logger: _logger, ...fields } = log
    const told = namespace === '' ? fields : { ...fields, namespace }
    if (level === logLevel.ERROR) logger.error(told, message)
    else if (level === logLevel.WARN) logger.warn(told, message)
    else if (level === logLevel.INFO) logger.info(told, message)
    else if (level === logLevel.DEBUG) logger.debug(told, message)
  }

/** What is logged may hold anything, and logging must not fail: cycles and bigints are told in words. */
function jsonOf(entry: object): string {
  try {
    return JSON.stringify(entry, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
  } catch {
    return JSON.stringify(Object.fromEntries(Object.entries(entry).map(([key, value]) => [key, String(value)])))
  }
}

function levelOfEnvironment(): logLevel | undefined {
  const name = (process.env['KAFKAJS_LOG_LEVEL'] ?? '').toUpperCase()
  return Object.entries(logLevel).find(([label]) => label === name)?.[1]
}
