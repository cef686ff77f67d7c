// A map of which the older versions stay.
const BUCKETS = 1024

function bucketOf(key: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  return (hash ^ (hash >>> 15)) & (BUCKETS - 1)
}

type Bucket<V> = ReadonlyMap<string, V>

/**
 * An immutable map by text whose copies share what did not change: 1,024 buckets, of which a change copies the touched ones
 * once for a whole draft. Iteration is in no particular order, but the same for the same map.
 */
export class PersistentMap<V> {
  readonly size: number
  readonly #buckets: readonly (Bucket<V> | undefined)[]

  private constructor(buckets: readonly (Bucket<V> | undefined)[], size: number) {
    this.#buckets = buckets
    this.size = size
  }

  static empty<V>(): PersistentMap<V> {
    return new PersistentMap<V>(Array.from<undefined>({ length: BUCKETS }), 0)
  }

  get(key: string): V | undefined {
    return this.#buckets[bucketOf(key)]?.get(key)
  }

  *values(): Generator<V> {
    for (const bucket of this.#buckets) if (bucket) yield* bucket.values()
  }

  *keys(): Generator<string> {
    for (const bucket of this.#buckets) if (bucket) yield* bucket.keys()
  }

  /** Changes to be made; the map itself stays as it is. */
  draft(): MapDraft<V> {
    let buckets: (Bucket<V> | undefined)[] | undefined
    const owned = new Map<number, Map<string, V>>()
    let size = this.size
    const own = (index: number): Map<string, V> => {
      let bucket = owned.get(index)
      if (!bucket) {
        buckets ??= [...this.#buckets]
        bucket = new Map(this.#buckets[index])
        buckets[index] = bucket
        owned.set(index, bucket)
      }
      return bucket
    }
    return {
      get: key => (buckets ?? this.#buckets)[bucketOf(key)]?.get(key),
      set: (key, value) => {
        const bucket = own(bucketOf(key))
        if (!bucket.has(key)) size++
        bucket.set(key, value)
      },
      delete: key => {
        const index = bucketOf(key)
        if ((buckets ?? this.#buckets)[index]?.has(key) && own(index).delete(key)) size--
      },
      done: () => (buckets ? new PersistentMap(buckets, size) : this),
    }
  }

  /** The keys whose values are not the same object here and there; only buckets that differ are looked at. */
  *differences(after: PersistentMap<V>): Generator<[key: string, before: V | undefined, after: V | undefined]> {
    for (let index = 0; index < BUCKETS; index++) {
      const old = this.#buckets[index]
      const young = after.#buckets[index]
      if (old === young) continue
      if (old) {
        for (const [key, value] of old) {
          const other = young?.get(key)
          if (other !== value) yield [key, value, other]
        }
      }
      if (young) for (const [key, value] of young) if (!old?.has(key)) yield [key, undefined, value]
    }
  }
}

/** Changes to a `PersistentMap`; not to be used after `done`. */
export interface MapDraft<V> {
  get(key: string): V | undefined
  set(key: string, value: V): void
  delete(key: string): void
  done(): PersistentMap<V>
}
