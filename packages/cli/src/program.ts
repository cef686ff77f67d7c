// The command line: what there is to be said, and which file does it. Commands are loaded when they are called.
import { Command, CommanderError } from 'commander'
import type { StartOptions } from './commands/start.ts'
import { version } from './version.ts'

/** Exit code for a command line that makes no sense (EX_USAGE). */
const USAGE_ERROR = 64

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

/** The whole command line; `parseAsync` runs it. Throws CommanderError where commander would end the process. */
export function makeProgram(): Command {
  const program = new Command('ottla')
    .description("Apache Kafka's protocol, rebuilt in TypeScript")
    .version(version(), '--version', 'print the version')
    .showHelpAfterError('(ottla --help shows what there is)')
    .exitOverride()
  program
    .command('start')
    .description('run a broker until it is told to stop')
    .argument('[server.properties]', 'settings of the broker (default: those that come with ottla)')
    .option('--data-dir <directory>', 'where the data lies (default: log.dirs of the settings, ./.ottla)')
    .option('--override <key=value>', 'a setting that wins over file and environment; may be repeated', collect, [])
    .option('-v, --verbose', 'show what the broker does')
    .addHelpText(
      'after',
      `
Examples:
  ottla start
  ottla start --data-dir /var/lib/ottla --override listeners=PLAINTEXT://:9093
  KAFKA_LOG_RETENTION_HOURS=24 ottla start server.properties`,
    )
    .action(async (file: string | undefined, options: StartOptions) => {
      const { start } = await import('./commands/start.ts')
      process.exitCode = await start(file, options)
    })
  return program
}

/** Runs a command line to its end, which sets the exit code of the process. */
export async function run(words: readonly string[]): Promise<void> {
  try {
    await makeProgram().parseAsync(words, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    process.exitCode = error.exitCode === 0 ? 0 : USAGE_ERROR
  }
}
