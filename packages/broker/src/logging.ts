// Structured logs by pino: lines of JSON for programs, short lines for people.
import type { Logger } from '@ottla/protocol'
import pino from 'pino'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Where log lines go. */
export interface LogOutput {
  write(line: string): void
}

export interface LoggingOptions {
  readonly level: LogLevel
  /** For people, not for programs. */
  readonly readable: boolean
  /** With escape sequences for colours; only where `readable`. */
  readonly colours?: boolean
  readonly output: LogOutput
}

const levelNames = new Map([
  [20, ['DEBUG', '\u001b[2m']],
  [30, ['INFO ', '\u001b[32m']],
  [40, ['WARN ', '\u001b[33m']],
  [50, ['ERROR', '\u001b[31m']],
])

/** A logger. Errors under `err` are told with their stack. */
export function createLogger(options: LoggingOptions): Logger {
  const { output, readable, colours = false } = options
  const destination = readable ? { write: (line: string) => output.write(readableLine(line, colours)) } : output
  return pino({ level: options.level, base: null }, destination)
}

/** Text with its control characters spelled out: what clients send must not move the cursor or begin a line of its own. */
const printable = (text: string): string =>
  text.replaceAll(/\p{Cc}/gu, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** One line for people: time, level, message, then the fields. */
export function readableLine(line: string, colours: boolean): string {
  const entry: Record<string, unknown> = JSON.parse(line)
  const { level, time, msg, err, ...fields } = entry
  const [name = '', colour = ''] = levelNames.get(Number(level)) ?? [String(level)]
  const clock = new Date(Number(time)).toISOString().slice(11, 23)
  const shown = Object.entries(fields).map(([key, value]) =>
    printable(`${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`),
  )
  const head = colours ? `\u001b[2m${clock}\u001b[0m ${colour}${name}\u001b[0m` : `${clock} ${name}`
  return `${[head, printable(String(msg)), ...shown].join(' ')}${stackOf(err)}\n`
}

function stackOf(err: unknown): string {
  if (typeof err !== 'object' || err === null || !('stack' in err)) return ''
  return `\n${String(err.stack)
    .split('\n')
    .map(line => `    ${printable(line.trim())}`)
    .join('\n')}`
}
