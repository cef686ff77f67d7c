// Faults by chance, the same for the same seed and the same requests of an API, whatever other APIs are asked in between.
import { murmur2, type Random, seededRandom } from '@ottla/protocol'
import type { FaultAction, RandomFaultKind, RandomFaultSpec } from './specs.ts'
import { passingErrorFor } from './specs.ts'

/** See the top of the file. */
export class RandomFaults {
  readonly spec: RandomFaultSpec
  /** One for each API: a heartbeat sooner or later changes nothing for what is produced. */
  readonly #randoms: ReadonlyMap<string, Random>

  constructor(spec: RandomFaultSpec) {
    this.spec = spec
    this.#randoms = new Map(spec.apis.map(api => [api, seededRandom(spec.seed + murmur2(Buffer.from(api)))]))
  }

  /** What happens to the next request of this API, if anything. */
  actionFor(api: string): FaultAction | undefined {
    const { kinds, rate } = this.spec
    const random = this.#randoms.get(api)
    if (random === undefined || random.next() >= rate) return undefined
    const fitting = kinds.filter(kind => kind !== 'corrupt' || api === 'Fetch')
    const kind = fitting[Math.floor(random.next() * fitting.length)]
    return kind === undefined ? undefined : this.#actionOf(kind, api, random)
  }

  #actionOf(kind: RandomFaultKind, api: string, random: Random): FaultAction {
    switch (kind) {
      case 'error':
        return { kind: 'error', code: passingErrorFor(api) }
      case 'delay':
        return { kind: 'delay', delayMs: Math.floor(random.next() * this.spec.maxDelayMs), jitterMs: 0 }
      case 'drop before':
        return { kind: 'drop', when: 'before' }
      case 'drop after':
        return { kind: 'drop', when: 'after' }
      default:
        return { kind: 'corrupt' }
    }
  }
}
