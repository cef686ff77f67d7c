// Faults by chance, the same for the same seed and the same requests.
import { type Random } from '@ottla/protocol'
import { seededRandom } from '@ottla/storage'
import type { FaultAction, RandomFaultKind, RandomFaultSpec } from './specs.ts'
import { passingErrorFor } from './specs.ts'

/** See the top of the file. */
export class RandomFaults {
  readonly spec: RandomFaultSpec
  readonly #random: Random

  constructor(spec: RandomFaultSpec) {
    this.spec = spec
    this.#random = seededRandom(spec.seed)
  }

  /** What happens to the next request of this API, if anything. */
  actionFor(api: string): FaultAction | undefined {
    const { apis, kinds, rate } = this.spec
    if (!apis.some(one => one === api) || this.#random.next() >= rate) return undefined
    const fitting = kinds.filter(kind => kind !== 'corrupt' || api === 'Fetch')
    const kind = fitting[Math.floor(this.#random.next() * fitting.length)]
    return kind === undefined ? undefined : this.#actionOf(kind, api)
  }

  #actionOf(kind: RandomFaultKind, api: string): FaultAction {
    switch (kind) {
      case 'error':
        return { kind: 'error', code: passingErrorFor(api) }
      case 'delay':
        return { kind: 'delay', delayMs: Math.floor(this.#random.next() * this.spec.maxDelayMs), jitterMs: 0 }
      case 'drop before':
        return { kind: 'drop', when: 'before' }
      case 'drop after':
        return { kind: 'drop', when: 'after' }
      default:
        return { kind: 'corrupt' }
    }
  }
}
