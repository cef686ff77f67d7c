// A copy with transactions under test: an input topic that is written to all the time, a program that copies it, kills at random moments, and a
// reader of committed records. In the end each record of the input is in the output once, in order per partition, every transaction is whole, and
// the group's committed offsets are the input's ends.
import { setTimeout as sleep } from 'node:timers/promises'
import { BatchBuilder, ErrorCode, listOffsetsApi, offsetFetchApi, produceApi } from '@ottla/protocol'
import { createTopic } from './group-run.ts'
import type { Program } from './programs.ts'
import { againstKafka } from './transaction-broker.ts'
import { TransactionMember, type TransactionPlace } from './transaction-member.ts'
import { CommittedReader } from './transaction-reader.ts'
import { Wire } from './wire.ts'

/** As many as the programs' modes abort and fence write to. */
export const partitions = 3

/** Writes numbered records to every partition of a topic until it is stopped, also across the broker's end. */
export class InputWriter {
  readonly ends: number[] = Array.from({ length: partitions }, () => 0)
  readonly #port: number
  readonly #topic: string
  readonly #valueOf: (partition: number, offset: number) => string
  readonly #writing: Promise<void>
  #stopped = false

  constructor(port: number, topic: string, valueOf = (partition: number, offset: number) => `${partition}/${offset}`) {
    this.#port = port
    this.#topic = topic
    this.#valueOf = valueOf
    this.#writing = this.#write()
  }

  async #write(): Promise<void> {
    while (!this.#stopped) {
      try {
        await using wire = await Wire.connect(this.#port)
        while (!this.#stopped) {
          await this.#findEnds(wire)
          await this.#writeOnce(wire)
          await sleep(50)
        }
      } catch {
        await sleep(50)
      }
    }
  }

  /** What was written, as the broker says: after its end nobody else knows. */
  async #findEnds(wire: Wire): Promise<void> {
    const asked = this.ends.map((_, partitionIndex) => ({ partitionIndex, timestamp: -1 }))
    const answer = await wire.ask(listOffsetsApi, 6, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: this.#topic, partitions: asked }],
    })
    for (const { partitionIndex, errorCode, offset } of answer.topics[0]?.partitions ?? []) {
      if (errorCode !== ErrorCode.NONE) throw new Error(`ListOffsets: error ${errorCode}`)
      this.ends[partitionIndex] = offset
    }
  }

  async #writeOnce(wire: Wire): Promise<void> {
    const partitionData = this.ends.map((end, index) => {
      const builder = new BatchBuilder({ compression: 'none' })
      for (let offset = end; offset < end + 10; offset++)
        builder.append({
          timestamp: Date.now(),
          key: Buffer.from(`k${offset}`),
          value: Buffer.from(this.#valueOf(index, offset)),
          headers: [],
        })
      return { index, records: builder.build().bytes }
    })
    const topicData = [{ name: this.#topic, partitionData }]
    await wire.ask(produceApi, 9, { transactionalId: null, acks: -1, timeoutMs: 10_000, topicData })
  }

  /** Stops, and finds out the last ends. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#writing
    await using wire = await Wire.connect(this.#port)
    await this.#findEnds(wire)
  }
}

/** Partition -> the group's committed offset, when no transaction is open. */
export async function committedOffsets(port: number, groupId: string, name: string): Promise<number[]> {
  await using wire = await Wire.connect(port)
  const partitionIndexes = Array.from({ length: partitions }, (_, number) => number)
  for (let left = 100; ; left--) {
    const answer = await wire.ask(offsetFetchApi, 8, { groups: [{ groupId, topics: [{ name, partitionIndexes }] }], requireStable: true })
    const group = answer.groups[0]
    const errors = [group?.errorCode, ...(group?.topics[0]?.partitions ?? []).map(found => found.errorCode)]
    if (errors.every(code => code === ErrorCode.NONE)) return (group?.topics[0]?.partitions ?? []).map(found => found.committedOffset)
    if (left === 0 || !errors.includes(ErrorCode.UNSTABLE_OFFSET_COMMIT)) throw new Error(`OffsetFetch: errors ${errors.join(' ')}`)
    await sleep(50)
  }
}

/** How a copy is run. */
export interface CopyPlace {
  readonly port: number
  readonly program: Extract<Program, { command: string }>
  /** Names the topics, the group and the transactional id. */
  readonly name: string
  readonly options?: Readonly<Record<string, string>>
}

export class CopyRun implements AsyncDisposable {
  readonly input: InputWriter
  readonly output: CommittedReader
  /** Transactions that programs said they committed. */
  committed = 0
  readonly aborted: string[] = []
  /** Programs that ended though nobody killed them. */
  readonly ended: string[] = []
  readonly #place: CopyPlace
  #member: TransactionMember
  #stopping = false

  private constructor(place: CopyPlace) {
    this.#place = place
    this.input = new InputWriter(place.port, `${place.name}-in`)
    this.output = new CommittedReader(place.port, `${place.name}-out`, partitions)
    this.#member = this.#start()
  }

  /** Creates the topics and begins to write and to copy. */
  static async start(place: CopyPlace): Promise<CopyRun> {
    await createTopic(place.port, `${place.name}-in`, partitions)
    await createTopic(place.port, `${place.name}-out`, partitions)
    return new CopyRun(place)
  }

  #start(): TransactionMember {
    const { port, name, program, options } = this.#place
    const place: TransactionPlace = {
      mode: 'copy',
      bootstrap: `127.0.0.1:${port}`,
      transactionalId: name,
      input: `${name}-in`,
      output: `${name}-out`,
      group: name,
      ...(options === undefined ? {} : { options }),
    }
    return new TransactionMember(program, place)
  }

  /** What a program that is gone has done. */
  #count(member: TransactionMember): void {
    this.committed += member.committed
    this.aborted.push(...member.aborted)
  }

  /**
   * Waits until something holds, and gives up when nothing came for `timeoutMs`: how quick a copy is depends on who else uses the machine. Starts a
   * program that ended by itself again, as whoever runs it would.
   */
  async until(what: string, holds: () => boolean, timeoutMs = againstKafka ? 180_000 : 60_000): Promise<void> {
    let deadline = Date.now() + timeoutMs
    for (let seen = this.output.count; !holds(); ) {
      if (this.output.count > seen) {
        seen = this.output.count
        deadline = Date.now() + timeoutMs
      }
      if (Date.now() > deadline || this.output.wrong.length > 0 || this.ended.length > 20)
        throw new Error(`${what} did not come\n${(await this.#story()).join('\n')}`)
      if (!this.#member.running && !this.#stopping) {
        this.ended.push(this.#member.story)
        this.#count(this.#member)
        this.#member = this.#start()
      }
      await sleep(20)
    }
  }

  /** Where everybody is, for a failure's message. */
  async #story(): Promise<string[]> {
    const { port, name } = this.#place
    const offsets = await committedOffsets(port, name, `${name}-in`).catch(String)
    return [
      ...this.output.wrong,
      `input ends ${this.input.ends.join(' ')}, committed ${String(offsets)}`,
      ...this.output.partitions.map(
        partition => `${partition.name}: ${partition.records.length} records up to ${partition.position}, at its end: ${partition.atEnd}`,
      ),
      `the program ${this.#member.story}`,
      ...this.ended.slice(-3),
    ]
  }

  /** Waits until that many records more were seen committed. */
  async goesOn(records = 60): Promise<void> {
    const from = this.output.count
    await this.until(`${records} more records`, () => this.output.count >= from + records)
  }

  /** Kills the program at a moment while it makes transactions, and starts it again with the same transactional id. */
  async kill(): Promise<void> {
    await this.goesOn()
    await this.#member.nextCommit()
    await sleep(Math.random() * 50)
    await this.#member.kill()
    this.#count(this.#member)
    this.#member = this.#start()
  }

  /** Stops writing, waits until all is copied, and ends the program. */
  async finish(): Promise<void> {
    await this.input.stop()
    const all = this.input.ends.reduce((sum, end) => sum + end, 0)
    await this.until(`all ${all} records`, () => this.output.count >= all)
    this.#stopping = true
    await this.#member.stop()
    this.#count(this.#member)
    await this.output.drained()
  }

  /** What is not as it must be in the end. */
  async differences(): Promise<string[]> {
    const found = [...this.output.wrong]
    const seen = new Map<string, { size: number; numbers: Set<string> }>()
    this.output.partitions.forEach(({ name, records, transactions }, number) => {
      const sources = records.map(({ value }) => value.slice(0, value.indexOf(' ')))
      const expected = Array.from({ length: this.input.ends[number] ?? 0 }, (_, offset) => `${number}/${offset}`)
      const first = expected.findIndex((value, i) => sources[i] !== value)
      if (first !== -1)
        found.push(
          `${name}: ${expected[first]} was expected, ${sources[first]} came, then ${sources.slice(first + 1, first + 6).join(' ')}`,
        )
      if (sources.length !== expected.length) found.push(`${name}: ${sources.length} records came of ${expected.length}`)
      for (const whole of transactions) {
        const mixed = whole.findIndex(({ value }) => value.split(' ')[1] !== whole[0]?.value.split(' ')[1])
        const around = whole.slice(Math.max(0, mixed - 2), mixed + 2).map(({ offset, value }) => `${offset} ${value}`)
        if (mixed !== -1) found.push(`${name}: two transactions came as one: ${around.join(', ')}`)
      }
      for (const { value } of records) {
        const [, tag = '', index = '', size] = value.split(' ')
        const transaction = seen.get(tag) ?? { size: Number(size), numbers: new Set() }
        seen.set(tag, transaction)
        transaction.numbers.add(index)
      }
    })
    for (const [tag, { size, numbers }] of seen)
      if (numbers.size !== size) found.push(`${numbers.size} records of ${size} of transaction ${tag} came`)
    // A program that was killed may have committed without a word.
    if (seen.size < this.committed) found.push(`${seen.size} transactions came, ${this.committed} were acknowledged`)
    const offsets = await committedOffsets(this.#place.port, this.#place.name, `${this.#place.name}-in`)
    if (offsets.join() !== this.input.ends.join())
      found.push(`committed are ${offsets.join(' ')}, the ends are ${this.input.ends.join(' ')}`)
    return found
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true
    if (this.#member.running) await this.#member.kill()
    await this.output[Symbol.asyncDispose]()
    await this.input.stop().catch(() => {})
  }
}
