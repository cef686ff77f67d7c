// Follows a store and tells who listens what has changed.
import type { Logger } from '@ottla/protocol'
import { changesBetween, type ClusterChanges } from './changes.ts'
import { applyRevisions, imageOf } from './image-draft.ts'
import { ClusterImage } from './image.ts'
import type { MetadataStore, StoreError, Watch } from './store.ts'

/** Told of every new image, in order; what throws is logged and does not keep the others from hearing of it. */
export type ChangeListener = (changes: ClusterChanges, image: ClusterImage, previous: ClusterImage) => void

export interface MetadataOptions {
  readonly store: MetadataStore
  readonly logger: Logger
}

interface Waiter {
  readonly revision: number
  resolve(): void
  reject(error: Error): void
}

/** Follows a store: always has the image of the last revision heard of. */
export class Metadata {
  #image: ClusterImage = ClusterImage.empty
  readonly #options: MetadataOptions
  readonly #listeners = new Set<ChangeListener>()
  #waiters: Waiter[] = []
  #watch: Watch | undefined
  #ended: Error | undefined

  private constructor(options: MetadataOptions) {
    this.#options = options
  }

  /** Loads the store and follows it. Rejects with the store's error. */
  static async follow(options: MetadataOptions): Promise<Metadata> {
    const metadata = new Metadata(options)
    await metadata.#list()
    return metadata
  }

  get image(): ClusterImage {
    return this.#image
  }

  /** Calls `listener` for every image after this one, until the returned function is called. */
  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Resolves once the image holds a revision and every listener has heard of it. Rejects when nothing will follow any more. */
  applied(revision: number): Promise<void> {
    if (this.#image.revision >= revision) return Promise.resolve()
    if (this.#ended) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => this.#waiters.push({ revision, resolve, reject }))
  }

  /** Follows no longer; the last image stays. */
  close(): void {
    this.#end(new Error('the metadata is no longer followed'))
  }

  /** Reads everything, then watches from there on: at the start, and when the watch has lost its place. */
  async #list(): Promise<void> {
    const { entries, revision } = await this.#options.store.range('')
    if (this.#ended) return
    if (revision > this.#image.revision) this.#become(imageOf(entries, revision))
    this.#watch = this.#options.store.watch(
      { prefix: '', fromRevision: this.#image.revision + 1 },
      {
        changed: revisions => this.#become(applyRevisions(this.#image, revisions)),
        failed: error => this.#watchFailed(error),
      },
    )
  }

  #watchFailed(error: StoreError): void {
    if (error.kind !== 'compacted') {
      this.#options.logger.error({ err: error }, 'the metadata is no longer followed')
      this.#end(error)
      return
    }
    this.#options.logger.warn({ err: error }, 'lost the place in the metadata, reading all of it')
    this.#list().catch((failure: Error) => {
      this.#options.logger.error({ err: failure }, 'the metadata is no longer followed')
      this.#end(failure)
    })
  }

  #become(image: ClusterImage): void {
    const previous = this.#image
    if (image.revision <= previous.revision) return
    this.#image = image
    if (this.#listeners.size > 0) {
      const changes = changesBetween(previous, image)
      for (const listener of this.#listeners) {
        try {
          listener(changes, image, previous)
        } catch (error) {
          this.#options.logger.error({ err: error, revision: image.revision }, 'a part did not take a change of the metadata')
        }
      }
    }
    const waiters = this.#waiters
    this.#waiters = waiters.filter(waiter => waiter.revision > image.revision)
    for (const waiter of waiters) if (waiter.revision <= image.revision) waiter.resolve()
  }

  #end(error: Error): void {
    this.#ended ??= error
    this.#watch?.close()
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#ended)
  }
}
