// Which producers have asked their coordinator whether a transaction of theirs includes this log, and have not written yet (classes
// VerificationStateEntry and VerificationGuard; KIP-890). What the coordinator answered holds only as long as no end of a transaction came in
// between: so a batch must come with the very object that its question began with.
import { ErrorCode, KafkaError } from '@ottla/protocol'
import type { ProducerBatch, ProducerEntry } from './producer-entry.ts'

/** Who asks. */
export interface VerificationStart {
  readonly producerId: number
  readonly producerEpoch: number
  /** Sequence of the batch that is to follow, -1 for a coordinator's. */
  readonly sequence: number
  /** Transactions version 2: each of a producer's transactions has an epoch of its own. */
  readonly bumpsEpoch: boolean
  /** The clock on the wall. */
  readonly nowMs: number
}

/** A question that is open, or was answered. Known by its identity. */
export interface Verification {
  readonly bumpsEpoch: boolean
  readonly epoch: number
  /** The smallest sequence that was asked for: a batch that comes later must not overtake it, as it could never follow then. */
  readonly lowestSequence: number
}

/** The most questions that are remembered; those before are forgotten, and their batches refused as if nobody had asked. */
const MAX_VERIFICATIONS = 10_000

/** See the top of the file. */
export class ProducerVerifications {
  readonly #open = new Map<number, { bumpsEpoch: boolean; epoch: number; lowestSequence: number; startedMs: number }>()

  /** How many there are. */
  get size(): number {
    return this.#open.size
  }

  /** Begins, or goes on with what is open. */
  start({ producerId, producerEpoch, sequence, bumpsEpoch, nowMs }: VerificationStart): Verification {
    const known = this.#open.get(producerId)
    if (known === undefined) {
      if (this.#open.size >= MAX_VERIFICATIONS) this.#forgetOldest()
      const verification = { bumpsEpoch, epoch: producerEpoch, lowestSequence: sequence, startedMs: nowMs }
      this.#open.set(producerId, verification)
      return verification
    }
    if (producerEpoch > known.epoch) {
      known.epoch = producerEpoch
      known.lowestSequence = sequence
    } else if (producerEpoch === known.epoch) known.lowestSequence = Math.min(known.lowestSequence, sequence)
    return known
  }

  /** Whether a batch may begin a transaction here. Throws INVALID_TXN_STATE. */
  check(producerId: number, verification: Verification | null): void {
    if (verification !== null && this.#open.get(producerId) === verification) return
    throw new KafkaError(ErrorCode.INVALID_TXN_STATE, 'Record was not part of an ongoing transaction')
  }

  /** Whether a client's batch keeps the order of what was asked for. Throws OUT_OF_ORDER_SEQUENCE_NUMBER. */
  checkSequence({ producerId, baseSequence }: ProducerBatch, entry: ProducerEntry | undefined): void {
    if (this.#open.size === 0) return
    const known = this.#open.get(producerId)
    if (known === undefined) return
    const isFirst = known.bumpsEpoch && (entry === undefined || entry.batches.length === 0)
    if (isFirst ? baseSequence === 0 : baseSequence <= known.lowestSequence) return
    const expected = isFirst ? 'the first batch' : `a batch of sequence ${known.lowestSequence} at most`
    throw new KafkaError(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, `${expected} of producer ${producerId} begins with ${baseSequence}`)
  }

  /** A batch of the producer's transaction was appended. */
  written(producerId: number): void {
    if (this.#open.size > 0) this.#open.delete(producerId)
  }

  /** A marker was appended. With transactions version 2 one of this epoch ended the transaction before the one that is asked for. */
  ended(producerId: number, markerEpoch: number): void {
    const known = this.#open.get(producerId)
    if (known !== undefined && !(known.bumpsEpoch && known.epoch === markerEpoch)) this.#open.delete(producerId)
  }

  /** Forgets the questions that are older than `maxAgeMs` by the clock on the wall: nobody wrote. */
  removeExpired(nowMs: number, maxAgeMs: number): void {
    for (const [producerId, { startedMs }] of this.#open) if (nowMs - startedMs >= maxAgeMs) this.#open.delete(producerId)
  }

  #forgetOldest(): void {
    for (const producerId of this.#open.keys()) {
      this.#open.delete(producerId)
      return
    }
  }
}
