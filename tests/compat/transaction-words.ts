// Kafka Streams' word count under test (processing.guarantee=exactly_once_v2): sentences go in, each word's running count comes out. In the end
// the counts of every word are 1, 2, 3... in order, without a gap or a repetition, up to how often it was written.
import { setTimeout as sleep } from 'node:timers/promises'
import { createTopic } from './group-run.ts'
import type { Program } from './programs.ts'
import { TransactionMember } from './transaction-member.ts'
import { CommittedReader } from './transaction-reader.ts'
import { InputWriter, partitions } from './transaction-run.ts'

const vocabulary = ['ship', 'sea', 'whale', 'harpoon', 'sail', 'captain', 'coffin', 'albatross']
/** The sentence of a record: three words that follow from its place. */
const sentence = (partition: number, offset: number) =>
  [0, 1, 2].map(word => vocabulary[(partition + offset * (word + 1)) % vocabulary.length] ?? '').join(' ')

export class WordCountRun implements AsyncDisposable {
  readonly input: InputWriter
  readonly output: CommittedReader
  /** Programs that ended, or threads that were replaced, though nobody killed them. */
  readonly ended: string[] = []
  readonly #program: Extract<Program, { command: string }>
  readonly #port: number
  readonly #name: string
  #member: TransactionMember
  #stopping = false

  private constructor(program: Extract<Program, { command: string }>, port: number, name: string) {
    this.#program = program
    this.#port = port
    this.#name = name
    this.input = new InputWriter(port, `${name}-in`, sentence)
    this.output = new CommittedReader(port, `${name}-out`, partitions, { severalProducers: true })
    this.#member = this.#start()
  }

  /** Creates the topics and begins to write and to count. */
  static async start(program: Extract<Program, { command: string }>, port: number, name: string): Promise<WordCountRun> {
    await createTopic(port, `${name}-in`, partitions)
    await createTopic(port, `${name}-out`, partitions)
    return new WordCountRun(program, port, name)
  }

  #start(): TransactionMember {
    const name = this.#name
    return new TransactionMember(this.#program, {
      mode: 'copy',
      bootstrap: `127.0.0.1:${this.#port}`,
      transactionalId: name,
      input: `${name}-in`,
      output: `${name}-out`,
      group: name,
    })
  }

  async #until(what: string, holds: () => boolean, timeoutMs = 90_000): Promise<void> {
    const deadline = Date.now() + timeoutMs
    while (!holds()) {
      if (Date.now() > deadline || this.output.wrong.length > 0 || this.ended.length > 5)
        throw new Error([`${what} did not come`, ...this.output.wrong, `the program ${this.#member.story}`, ...this.ended].join('\n'))
      if (!this.#member.running && !this.#stopping) {
        this.ended.push(this.#member.story)
        this.#member = this.#start()
      }
      await sleep(20)
    }
  }

  /** Waits until that many counts more were seen. */
  async goesOn(counts = 300): Promise<void> {
    const from = this.output.count
    await this.#until(`${counts} more counts`, () => this.output.count >= from + counts)
  }

  /** Kills the program while it counts, and starts it again. */
  async kill(): Promise<void> {
    await this.goesOn()
    await sleep(Math.random() * 100)
    await this.#member.kill()
    this.#member = this.#start()
  }

  /** Stops writing, waits until all is counted, and ends the program. */
  async finish(): Promise<void> {
    await this.input.stop()
    const all = this.input.ends.reduce((sum, end) => sum + 3 * end, 0)
    await this.#until(`all ${all} counts`, () => this.output.count >= all)
    this.#stopping = true
    await this.#member.stop()
    await this.output.drained()
  }

  /** What is not as it must be in the end. */
  differences(): string[] {
    const found = [...this.output.wrong]
    const written = new Map<string, number>()
    this.input.ends.forEach((end, partition) => {
      for (let offset = 0; offset < end; offset++)
        for (const word of sentence(partition, offset).split(' ')) written.set(word, (written.get(word) ?? 0) + 1)
    })
    const counts = new Map<string, string[]>()
    for (const { key = '', value } of this.output.partitions.flatMap(({ records }) => records)) {
      const seen = counts.get(key) ?? []
      counts.set(key, seen)
      seen.push(value)
    }
    for (const [word, times] of written) {
      const seen = counts.get(word) ?? []
      const first = Array.from({ length: times }, (_, i) => `${i + 1}`).findIndex((count, i) => seen[i] !== count)
      if (first !== -1 || seen.length !== times)
        found.push(
          `${word}: ${seen.length} counts came of ${times}; from ${first}: ${seen.slice(Math.max(0, first - 2), first + 4).join(' ')}`,
        )
    }
    return found
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true
    if (this.#member.running) await this.#member.kill()
    await this.output[Symbol.asyncDispose]()
    await this.input.stop().catch(() => {})
  }
}
