// What a log knows of the producers that write to it: enough to append each batch of an idempotent producer once and in order, and to
// tell where the first unsettled transaction begins (KIP-98, KIP-360, KIP-890; org.apache.kafka.storage.internals.log.ProducerStateManager
// and ProducerAppendInfo). It knows batches only by their facts, and files not at all (those are producer-snapshots.ts).
//
// Appending as leader: `check` when the batch arrives, `update` once it has its offsets and is staged, `confirm` when it is written; if the
// write fails, `rollback`. As follower, and when a log is read again at the start: `update` alone, since the leader has checked.
import { ErrorCode, KafkaError } from '@ottla/protocol'
import type { BatchMetadata, ProducerBatch } from './producer-entry.ts'
import { isNextSequence, NO_PRODUCER_EPOCH, ProducerEntry } from './producer-entry.ts'
import { ProducerJournal } from './producer-journal.ts'
import type { CompletedTransaction } from './producer-transactions.ts'
import { ProducerTransactions } from './producer-transactions.ts'
import { ProducerVerifications, type Verification, type VerificationStart } from './producer-verifications.ts'

export interface ProducerStateOptions {
  /** `producer.id.expiration.ms`: a producer that was silent for so long, by the timestamps of its records, is forgotten. Kafka's default is a day. */
  readonly producerIdExpirationMs: number
  /** The most producers remembered; then the least recently used ones without open transaction are forgotten (Kafka has no limit). */
  readonly maxProducers?: number
}

/** The end of a transaction, as the marker's control record and the batch around it say. */
export interface TransactionMarker {
  readonly producerId: number
  readonly producerEpoch: number
  readonly coordinatorEpoch: number
  /** Offset of the marker. */
  readonly offset: number
  readonly timestamp: number
  readonly isAbort: boolean
}

/** Who wrote the marker: `transactionVersion` is in the coordinator's request, a follower does not know it and checks nothing. */
export type MarkerOrigin = { readonly transactionVersion: number } | 'replication'

const DEFAULT_MAX_PRODUCERS = 100_000
/** How many producers are looked at for one that was not used lately. */
const SECOND_CHANCES = 32
const MAX_EPOCH = 0x7fff

export class ProducerState {
  producerIdExpirationMs: number
  readonly maxProducers: number
  readonly transactions = new ProducerTransactions()
  readonly #verifications = new ProducerVerifications()
  readonly #entries = new Map<number, ProducerEntry>()
  readonly #journal = new ProducerJournal()

  constructor(options: ProducerStateOptions) {
    this.producerIdExpirationMs = options.producerIdExpirationMs
    this.maxProducers = options.maxProducers ?? DEFAULT_MAX_PRODUCERS
  }

  /** How many questions to coordinators are open. */
  get verificationCount(): number {
    return this.#verifications.size
  }

  /** How many producers are remembered. */
  get size(): number {
    return this.#entries.size
  }

  /** The producers, in the order in which they came. */
  get entries(): Iterable<ProducerEntry> {
    return this.#entries.values()
  }

  /** What is known of a producer. */
  entry(producerId: number): ProducerEntry | undefined {
    return this.#entries.get(producerId)
  }

  /** The first offset of an unsettled transaction, -1 when there is none. The last stable offset is the smaller of it and the high watermark. */
  get firstUnstableOffset(): number {
    return this.transactions.firstUnstableOffset
  }

  /** Whether this epoch of a producer has an open transaction in this log. */
  hasOngoingTransaction(producerId: number, epoch: number): boolean {
    const entry = this.#entries.get(producerId)
    return entry !== undefined && entry.transactionFirstOffset >= 0 && entry.producerEpoch === epoch
  }

  /**
   * A producer is about to begin a transaction in this log: what is returned goes to `check` with its batch, once the coordinator knows of
   * it. Null where its transaction is under way here already. Throws INVALID_PRODUCER_EPOCH.
   */
  startVerification(start: VerificationStart): Verification | null {
    const { producerEpoch, producerId } = start
    const entry = this.#entries.get(producerId)
    if (entry !== undefined) checkEpoch(entry, producerEpoch)
    return this.hasOngoingTransaction(producerId, producerEpoch) ? null : this.#verifications.start(start)
  }

  /**
   * Whether a batch with a producer id may be appended; changes nothing. Returns the batch itself when it was appended before: its offsets
   * are the answer, nothing is to be appended. A coordinator's batches have no sequences, so those of origin 'coordinator' are checked for
   * their epoch alone. `verification`: what a batch that begins a transaction comes with; undefined: nothing is asked for. Throws KafkaError:
   * OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE.
   */
  check(batch: ProducerBatch, origin: 'client' | 'coordinator' = 'client', verification?: Verification | null): BatchMetadata | undefined {
    const { producerId } = batch
    if (producerId < 0) return undefined
    const entry = this.#entries.get(producerId)
    if (entry === undefined) {
      if (verification !== undefined && batch.isTransactional) this.#verifications.check(producerId, verification)
      if (origin === 'client') this.#verifications.checkSequence(batch, entry)
      return undefined
    }
    if (origin === 'client') {
      const duplicate = entry.findDuplicate(batch)
      if (duplicate !== undefined) return duplicate
    }
    checkEpoch(entry, batch.producerEpoch)
    if (verification !== undefined && batch.isTransactional && !this.hasOngoingTransaction(producerId, batch.producerEpoch))
      this.#verifications.check(producerId, verification)
    if (origin === 'client') {
      this.#verifications.checkSequence(batch, entry)
      checkSequence(entry, batch)
    }
    if (entry.transactionFirstOffset >= 0 && !batch.isTransactional) {
      throw refuse(ErrorCode.INVALID_TXN_STATE, `producer ${producerId} has an open transaction, the batch is not part of one`)
    }
    return undefined
  }

  /** Enters an appended batch of records (not a marker) with its final offsets. A batch without producer id is none of its business. */
  update(batch: ProducerBatch): void {
    const { producerId } = batch
    if (producerId < 0) return
    const entry = this.#change(producerId, batch.baseOffset)
    entry.enterEpoch(batch.producerEpoch)
    entry.addBatch(batch)
    if (!batch.isTransactional) return
    this.#verifications.written(producerId)
    if (entry.transactionFirstOffset >= 0) return
    entry.transactionFirstOffset = batch.baseOffset
    this.transactions.start({ producerId, firstOffset: batch.baseOffset })
  }

  /**
   * Whether a coordinator's marker may be appended. Under transaction version 2 (KIP-890) its epoch must be above the producer's, except
   * when the same marker comes again after the transaction has ended. Throws KafkaError: INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED.
   */
  checkMarker(marker: Omit<TransactionMarker, 'offset'>, origin: MarkerOrigin): void {
    const entry = this.#entries.get(marker.producerId)
    if (entry === undefined || origin === 'replication') return
    const { coordinatorEpoch, producerEpoch, producerId } = marker
    const isStrict = origin.transactionVersion >= 2
    const isRepeated =
      isStrict && producerEpoch === entry.producerEpoch && (entry.transactionFirstOffset < 0 || producerEpoch === MAX_EPOCH)
    if (!isRepeated && (isStrict ? producerEpoch <= entry.producerEpoch : producerEpoch < entry.producerEpoch)) {
      throw refuse(ErrorCode.INVALID_PRODUCER_EPOCH, `producer ${producerId} has epoch ${entry.producerEpoch}, the marker ${producerEpoch}`)
    }
    if (coordinatorEpoch >= entry.coordinatorEpoch) return
    const epochs = `the last coordinator of producer ${producerId} had epoch ${entry.coordinatorEpoch}, this one has ${coordinatorEpoch}`
    throw refuse(ErrorCode.TRANSACTION_COORDINATOR_FENCED, epochs)
  }

  /**
   * Enters an appended marker. Returns the transaction that it ended, if any: an aborted one goes to the transaction index together with
   * `lastStableOffset`. A control batch without records, which compaction leaves, is to be skipped by the caller.
   */
  updateMarker(marker: TransactionMarker): (CompletedTransaction & { readonly lastStableOffset: number }) | undefined {
    const { isAbort: isAborted, offset, producerId } = marker
    this.#verifications.ended(producerId, marker.producerEpoch)
    const entry = this.#change(producerId, offset)
    const firstOffset = entry.transactionFirstOffset
    entry.enterEpoch(marker.producerEpoch)
    entry.coordinatorEpoch = marker.coordinatorEpoch
    entry.lastTimestamp = marker.timestamp
    entry.transactionFirstOffset = -1
    if (firstOffset < 0) return undefined
    const completed = { producerId, firstOffset, lastOffset: offset, isAborted }
    const lastStableOffset = this.transactions.lastStableOffset(completed)
    this.transactions.complete(completed)
    this.#journal.keepCompleted(completed)
    return { ...completed, lastStableOffset }
  }

  /** Everything below `offset` is written: it can no longer be rolled back. To be called after each write. */
  confirm(offset: number): void {
    this.#journal.confirm(offset)
  }

  /**
   * The batches from `offset` on were not written: the state becomes what it was before them. False when it does not remember, because
   * more than a thousand batches were staged; then the state is unchanged and must be loaded again.
   */
  rollback(offset: number): boolean {
    return this.#journal.rollback(offset, { entries: this.#entries, transactions: this.transactions })
  }

  /** The high watermark passed the markers below it: those transactions are settled. */
  onHighWatermark(offset: number): void {
    this.transactions.onHighWatermark(offset)
  }

  /**
   * Forgets producers that were silent for `producerIdExpirationMs`, except those with an open transaction, and questions to coordinators
   * that nothing came of. `nowMs` is the clock on the wall against the timestamps of batches, as in Kafka: where that clock is moved ahead
   * all idle producers are forgotten, one whose batches are from the future is remembered until then. Returns how many producers.
   */
  removeExpired(nowMs: number): number {
    let removed = 0
    for (const entry of this.#entries.values()) {
      if (!this.#isExpired(entry, nowMs)) continue
      this.#entries.delete(entry.producerId)
      removed++
    }
    this.#verifications.removeExpired(nowMs, this.producerIdExpirationMs)
    return removed
  }

  /** Whether the oldest open transaction has seen nothing for longer than any producer may ask, and five minutes: it was left behind. */
  hasLateTransaction(nowMs: number, maxTransactionTimeoutMs: number): boolean {
    const oldest = this.transactions.firstOngoing
    const lastTimestamp = oldest === undefined ? -1 : (this.#entries.get(oldest.producerId)?.lastTimestamp ?? -1)
    return lastTimestamp > 0 && nowMs - lastTimestamp > maxTransactionTimeoutMs + 5 * 60 * 1000
  }

  /** Takes the entries of a snapshot, without those that have expired. To be called on a new state. */
  load(entries: Iterable<ProducerEntry>, nowMs: number): void {
    for (const entry of entries) {
      if (this.#isExpired(entry, nowMs)) continue
      this.#entries.set(entry.producerId, entry)
      const { producerId, transactionFirstOffset: firstOffset } = entry
      if (firstOffset >= 0) this.transactions.start({ producerId, firstOffset })
    }
  }

  #isExpired(entry: ProducerEntry, nowMs: number): boolean {
    return entry.transactionFirstOffset < 0 && nowMs - entry.lastTimestamp >= this.producerIdExpirationMs
  }

  /** The entry that a batch is about to change, new where the producer is; what it was goes to the journal. */
  #change(producerId: number, offset: number): ProducerEntry {
    const known = this.#entries.get(producerId)
    if (known !== undefined) {
      this.#journal.keep(offset, known)
      known.touched = true
      return known
    }
    const entry = new ProducerEntry(producerId)
    this.#journal.keep(offset, entry)
    this.#journal.keepNew(this.#entries.size >= this.maxProducers ? this.#forgetOne() : undefined)
    this.#entries.set(producerId, entry)
    return entry
  }

  /** Forgets the first producer, in the order in which they came, that was not used since it was last looked at (the clock algorithm). */
  #forgetOne(): ProducerEntry | undefined {
    let looked = 0
    for (const entry of this.#entries.values()) {
      const isLastLook = ++looked > SECOND_CHANCES
      if (entry.transactionFirstOffset < 0 && (isLastLook || !entry.touched)) {
        this.#entries.delete(entry.producerId)
        return entry
      }
      if (looked > 2 * SECOND_CHANCES) return undefined
      entry.touched = false
      this.#entries.delete(entry.producerId)
      this.#entries.set(entry.producerId, entry)
    }
    return undefined
  }
}

const refuse = (code: number, message: string): KafkaError => new KafkaError(code, message)

/** A producer of an earlier epoch was fenced. */
function checkEpoch({ producerEpoch, producerId }: ProducerEntry, epoch: number): void {
  if (epoch >= producerEpoch) return
  throw refuse(ErrorCode.INVALID_PRODUCER_EPOCH, `producer ${producerId} has epoch ${producerEpoch}, the batch ${epoch}`)
}

/**
 * A new epoch begins with sequence 0. Within an epoch a batch follows the last one. A producer of whom nothing is known may begin with
 * any sequence, since its records may have been deleted (KIP-360).
 */
function checkSequence(entry: ProducerEntry, batch: ProducerBatch): void {
  const { baseSequence, producerEpoch } = batch
  if (entry.producerEpoch === NO_PRODUCER_EPOCH) return
  const isNewEpoch = producerEpoch !== entry.producerEpoch
  const last = isNewEpoch ? -1 : entry.lastSequence
  if (isNewEpoch ? baseSequence === 0 : isNextSequence(last, baseSequence)) return
  const expected = isNewEpoch ? `the first batch of epoch ${producerEpoch}` : `the batch after sequence ${last}`
  throw refuse(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, `${expected} of producer ${batch.producerId} begins with ${baseSequence}`)
}
