// A compacted log driven by chance, beside a plain list of all that was ever appended: whatever was compacted, killed or cut off, a reader of
// committed records must come to the same last values, at the same offsets. Used by the tests of compaction.

import { recordsOf } from '@ottla/protocol'
import { abortedTransactions } from './compaction-plan.ts'
import { CompactedLog, type KeyValue } from './compaction-testing.ts'
import type { Log } from './log.ts'
import type { MemoryDisk } from './memory-disk.ts'

interface Entry {
  readonly key: string
  readonly value: string | null
  /** Producer id of a transaction that is still open; -1 for what counts, -2 for what was aborted. */
  owner: number
}

/** Key to the offset and value of its last record, without deleted keys. */
type View = Map<string, string>

const COUNTS = -1
const ABORTED = -2
const codecs = ['none', 'none', 'none', 'gzip', 'lz4', 'snappy', 'zstd'] as const

/** What a reader of committed records makes of the log, up to the first open transaction. */
export const committedView = async (test: CompactedLog): Promise<{ view: View; offsets: number[] }> => {
  const { log } = test
  const aborted = abortedTransactions(log, log.logStartOffset, log.logEndOffset).toSorted((a, b) => b.firstOffset - a.firstOffset)
  const active = new Set<number>()
  const view: View = new Map()
  const offsets: number[] = []
  const unstable = log.producers.firstUnstableOffset
  for (const batch of await test.batches()) {
    if (unstable >= 0 && batch.baseOffset >= unstable) break
    for (let next = aborted.at(-1); next !== undefined && next.firstOffset <= batch.lastOffset; next = aborted.at(-1)) {
      aborted.pop()
      active.add(next.producerId)
    }
    if (batch.isControl) active.delete(batch.producerId)
    else if (!batch.isTransactional || !active.has(batch.producerId)) {
      for (const { key, offset, value } of recordsOf(batch)) {
        if (offset < log.logStartOffset) continue
        offsets.push(offset)
        if (value === null) view.delete(String(key))
        else view.set(String(key), `${offset}=${String(value)}`)
      }
    }
  }
  return { view, offsets }
}

/** See the top of the file. */
export class CompactionModel {
  readonly test: CompactedLog
  history: (Entry | undefined)[] = []
  readonly #sequences = new Map<number, number>()
  #serial = 0

  private constructor(test: CompactedLog) {
    this.test = test
  }

  static async open(seed: number): Promise<CompactionModel> {
    const test = await CompactedLog.open({ seed })
    const { random } = test
    test.config = {
      ...test.config,
      segmentBytes: 400 + random.below(3000),
      indexIntervalBytes: random.below(400),
      deleteRetentionMs: random.below(3) * 500,
      minCompactionLagMs: random.below(3) === 0 ? random.below(500) : 0,
    }
    test.log.config = test.config
    return new CompactionModel(test)
  }

  get log(): Log {
    return this.test.log
  }

  /** The last values by the list, as far as a reader of committed records may see. */
  expected(): View {
    const view: View = new Map()
    for (const [offset, entry] of this.history.entries()) {
      if (entry === undefined || offset < this.log.logStartOffset || entry.owner === ABORTED) continue
      if (entry.owner >= 0) break
      if (entry.value === null) view.delete(entry.key)
      else view.set(entry.key, `${offset}=${entry.value}`)
    }
    return view
  }

  append(): void {
    const { random } = this.test
    const records = Array.from({ length: 1 + random.below(5) }, (): KeyValue => {
      const key = random.below(8) === 0 ? `a-longer-key-than-fits-${random.below(5)}` : `k${random.below(15)}`
      return [key, random.below(4) === 0 ? null : `${this.#serial++}${'x'.repeat(random.below(40))}`]
    })
    const kind = random.below(3)
    const producerId = kind === 0 ? -1 : kind === 1 ? 1 + random.below(3) : 10 + random.below(3)
    const compression = codecs[random.below(codecs.length)] ?? 'none'
    const timestamp = this.test.clock.now() - random.below(100)
    const sequence = this.#sequences.get(producerId) ?? 0
    const isTransactional = kind === 2
    const producer = producerId < 0 ? {} : { producerId, producerEpoch: 0, baseSequence: sequence, isTransactional }
    const baseOffset = this.test.append(records, { compression, timestamp, ...producer })
    if (baseOffset !== this.history.length) throw new Error(`appended at ${baseOffset} instead of ${this.history.length}`)
    this.#sequences.set(producerId, sequence + records.length)
    for (const [key, value] of records) this.history.push({ key: String(key), value, owner: isTransactional ? producerId : COUNTS })
  }

  end(): void {
    const { random } = this.test
    const owner = 10 + random.below(3)
    if (!this.history.some(entry => entry?.owner === owner)) return
    const isCommit = random.below(2) === 0
    this.test.end(owner, isCommit)
    this.history.push(undefined)
    for (const entry of this.history) if (entry?.owner === owner) entry.owner = isCommit ? COUNTS : ABORTED
  }

  async compact(): Promise<void> {
    const { random } = this.test
    const { logEndOffset } = this.log
    const dedupeBufferBytes = random.below(3) === 0 ? 24 * (3 + random.below(20)) : 100_000
    const result = await this.test.compact({ dedupeBufferBytes, ioBufferBytes: 100 + random.below(3000) })
    if (this.log.logEndOffset !== logEndOffset) throw new Error('the end of the log moved')
    if (result !== undefined && !result.isPartial) await this.#checkUnique(result.endOffset)
  }

  /** In what is clean every key is there once. */
  async #checkUnique(endOffset: number): Promise<void> {
    const { log } = this
    const keys = new Set<string>()
    for (const { key, offset } of await this.test.records()) {
      if (offset >= endOffset || key === null || offset < log.logStartOffset) continue
      if (keys.has(key)) throw new Error(`${key} is there twice before ${endOffset}`)
      keys.add(key)
    }
  }

  async check(): Promise<void> {
    const { view, offsets } = await committedView(this.test)
    const expected = this.expected()
    for (const [key, value] of expected) {
      if (view.get(key) !== value) throw new Error(`${key} is ${view.get(key)} instead of ${value}`)
    }
    for (const [key, value] of view) if (!expected.has(key)) throw new Error(`${key} is ${value} and was deleted`)
    for (const [index, offset] of offsets.entries()) {
      if (offset <= (offsets[index - 1] ?? -1)) throw new Error(`offset ${offset} after ${offsets[index - 1]}`)
    }
    for (const { key, offset, value } of await this.test.records()) {
      const entry = this.history[offset]
      if (entry?.key !== key || entry.value !== value) throw new Error(`offset ${offset} holds ${key}=${value}`)
    }
    if (this.log.logEndOffset !== this.history.length) {
      throw new Error(`the log ends at ${this.log.logEndOffset} instead of ${this.history.length}`)
    }
    const left = this.test.names().filter(name => /\.(?:cleaned|swap)$/.test(name))
    if (left.length > 0) throw new Error(`left behind: ${left.join(' ')}`)
  }

  /** The process or the machine went; what the disk still has is opened again. Everything was flushed. */
  async rebirth(disk: MemoryDisk): Promise<void> {
    this.test.disk = disk
    await this.test.start()
    this.test.settle()
  }

  async flush(): Promise<void> {
    const flushing = this.log.flush()
    this.test.settle()
    await flushing
    await this.test.manager.checkpoint()
  }

  /** Goes down while it is compacted, after so many operations of the disk; false when it was done before that. */
  async failDuringCompaction(after: number, how: 'crash' | 'power loss'): Promise<boolean> {
    const { disk, random } = this.test
    let left = after
    let survivor: MemoryDisk | undefined
    disk.beforeOperation = () => {
      if (left-- === 0) survivor = how === 'crash' ? disk.crash() : disk.powerLoss(random)
    }
    const work = this.compact().catch(() => undefined)
    // A disk that is gone may leave somebody waiting.
    await work
    disk.beforeOperation = undefined
    if (survivor === undefined) return false
    await this.rebirth(survivor)
    return true
  }

  #trim(): void {
    const { highWatermark, logStartOffset, producers } = this.log
    const unstable = producers.firstUnstableOffset
    const limit = unstable < 0 ? highWatermark : unstable
    this.log.advanceLogStartOffset(Math.min(limit, logStartOffset + this.test.random.below(10)))
  }

  async step(): Promise<void> {
    const { random, clock } = this.test
    const choice = random.below(100)
    if (choice < 55) this.append()
    else if (choice < 70) this.end()
    else if (choice < 75) clock.advance(random.below(600))
    else if (choice < 80) this.test.roll()
    else if (choice < 90) await this.compact()
    else if (choice < 92) this.#trim()
    else if (choice < 94) {
      await this.flush()
      await this.failDuringCompaction(random.below(150), random.below(2) === 0 ? 'crash' : 'power loss')
    } else if (choice < 96) {
      await this.test.manager.close()
      await this.rebirth(this.test.disk)
    } else if (choice < 97) await this.truncate()
    else await this.check()
  }

  /** Cuts the end, as a follower does whose leader was another one; the leader keeps the transactions that were open. */
  async truncate(): Promise<void> {
    const { random } = this.test
    const offset = this.history.length - random.below(6)
    const open = this.history.some((entry, at) => entry === undefined && at >= offset)
    if (open || offset <= this.log.logStartOffset) return
    await this.log.truncateTo(offset)
    this.history.length = this.log.logEndOffset
    this.#sequences.clear()
    for (const { lastSequence, producerId } of this.log.producers.entries) this.#sequences.set(producerId, lastSequence + 1)
    this.test.settle()
  }
}
