import type { Files } from './files.ts'

/** Makes folders durable; callers who ask for the same folder while a sync is under way share the next one. */
export class FolderSyncs {
  readonly #files: Files
  readonly #running = new Map<string, Promise<void>>()
  readonly #next = new Map<string, Promise<void>>()

  constructor(files: Files) {
    this.#files = files
  }

  /** Resolves once a sync that began after the call has ended. Rejects with the platform's error. */
  sync(path: string): Promise<void> {
    const running = this.#running.get(path)
    if (running === undefined) return this.#start(path)
    const waiting = this.#next.get(path)
    if (waiting !== undefined) return waiting
    const next = running.then(
      () => this.#startNext(path),
      () => this.#startNext(path),
    )
    this.#next.set(path, next)
    return next
  }

  #startNext(path: string): Promise<void> {
    this.#next.delete(path)
    return this.#start(path)
  }

  #start(path: string): Promise<void> {
    const work = this.#files.syncDirectory(path).finally(() => this.#running.delete(path))
    this.#running.set(path, work)
    return work
  }
}
