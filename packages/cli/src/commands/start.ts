// `ottla start`: a broker in this process until a signal comes. Ready is printed when it can serve; SIGTERM and SIGINT stop it cleanly with
// exit code 0, a second signal ends the process at once with exit code 1.
import { readFileSync } from 'node:fs'
import nodeModule from 'node:module'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Broker, BrokerConfig, ConfigProblems, createLogger, StartError } from '@ottla/broker'
import { bannerLines } from '../banner.ts'
import { stopSignals } from '../stop-signals.ts'
import { version } from '../version.ts'

/** The options of `ottla start`. */
export interface StartOptions {
  readonly dataDir?: string
  readonly override: readonly string[]
  readonly verbose?: boolean
}

const shipped = fileURLToPath(new URL('../../server.properties', import.meta.url))

/** Runs a broker. Resolves with the exit code when it has stopped, or could not start. */
export async function start(path: string | undefined, options: StartOptions): Promise<number> {
  const signals = stopSignals()
  const isTerminal = process.stderr.isTTY
  const logger = createLogger({
    level: options.verbose || !isTerminal ? 'info' : 'warn',
    readable: isTerminal,
    colours: isTerminal && !process.env.NO_COLOR,
    output: process.stderr,
  })
  let broker: Broker
  const { promise: failed, resolve: fail } = deferred<Error>()
  try {
    const config = configuration(path, options)
    broker = await Broker.start({ config, logger, onFatal: fail })
  } catch (error) {
    return complain(error)
  }
  const { clusterId, directories, listeners, metricsAddress: metrics } = broker
  const facts = { version: version(), nodeId: broker.config.nodeId, clusterId, directories, listeners, metrics }
  const { default: colours } = await import('picocolors')
  process.stdout.write(`${bannerLines(facts, colours.bold).join('\n')}\n`)
  keepCompiledCode()
  const reason = await Promise.race([signals, failed])
  if (typeof reason === 'string') logger.info({ signal: reason }, 'stopping')
  else process.stderr.write(`ottla: the broker cannot go on: ${reason.message}\n`)
  await broker.close()
  return typeof reason === 'string' ? 0 : 1
}

/** Node 22.10 and later: what was compiled up to now is there for the next start, also where this process is killed. */
function keepCompiledCode(): void {
  const flush: unknown = Reflect.get(nodeModule, 'flushCompileCache')
  if (typeof flush === 'function') flush()
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void
  const promise = new Promise<T>(settle => (resolve = settle))
  return { promise, resolve }
}

function configuration(path: string | undefined, options: StartOptions): BrokerConfig {
  const overrides = [...(options.dataDir === undefined ? [] : [`log.dirs=${options.dataDir}`]), ...options.override]
  const file = { name: basename(path ?? shipped), text: readSettings(path ?? shipped), shipped: path === undefined }
  return BrokerConfig.load({ file, environment: process.env, overrides })
}

function readSettings(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new StartError(`cannot read the settings: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

/** Tells what keeps the broker from starting: one line where that is enough. */
function complain(error: unknown): number {
  const known = error instanceof StartError || error instanceof ConfigProblems
  const text = error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error)
  process.stderr.write(`ottla: ${text}\n`)
  return 1
}
