// What is wrong with a configuration: all of it at once, each with its place, so that one look at the file mends it.

/** One thing that is wrong, and where: 'server.properties line 3', 'variable KAFKA_LISTENERS', '--override'. */
export interface ConfigProblem {
  readonly setting: string | null
  readonly where: string | null
  readonly message: string
}

const lineOf = (problem: ConfigProblem): string => (problem.where === null ? problem.message : `${problem.where}: ${problem.message}`)

/** The configuration cannot be used. The message has one line for each problem. */
export class ConfigProblems extends Error {
  readonly problems: readonly ConfigProblem[]
  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(lineOf)
    super(
      lines.length === 1
        ? (lines[0] ?? '')
        : `${lines.length} problems in the configuration:\n${lines.map(line => `  ${line}`).join('\n')}`,
    )
    this.name = 'ConfigProblems'
    this.problems = problems
  }
}
