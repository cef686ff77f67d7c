// The few file operations that the local store needs, so that a test can bring a disk that fails or forgets.
// Operations named `...Sync` only touch the page cache; the others may wait for a device. All throw the platform's
// error with its `code`.
import fs from 'node:fs'
import path from 'node:path'

/** An open file. Positions and lengths are bytes. */
export interface StoreFile {
  /** Writes all chunks one after another. When it throws, any prefix may have been written. */
  writeSync(chunks: readonly Buffer[], position: number): void
  truncateSync(length: number): void
  /** fdatasync. A failed one must never be retried: the kernel may have dropped the pages. */
  datasync(): Promise<void>
  closeSync(): void
}

export interface StoreFiles {
  /** Opens for writing, makes the file when it is missing, never truncates. */
  openSync(path: string, mode: 'create'): StoreFile
  readFileSync(path: string): Buffer
  listSync(path: string): string[]
  /** Makes a folder and its parents; fine when it exists. */
  makeDirectorySync(path: string): void
  /** Replaces the target when it exists. */
  renameSync(source: string, target: string): void
  unlink(path: string): Promise<void>
  /** Makes renames, creations and deletions in a folder durable. */
  syncDirectory(path: string): Promise<void>
}

class NodeStoreFile implements StoreFile {
  readonly #descriptor: number
  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  writeSync(chunks: readonly Buffer[], position: number): void {
    for (const chunk of chunks) {
      let written = 0
      while (written < chunk.length) {
        written += fs.writeSync(this.#descriptor, chunk, written, chunk.length - written, position + written)
      }
      position += written
    }
  }

  truncateSync(length: number): void {
    fs.ftruncateSync(this.#descriptor, length)
  }

  datasync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#descriptor, error => (error ? reject(error) : resolve()))
    })
  }

  closeSync(): void {
    fs.closeSync(this.#descriptor)
  }
}

/** The real disk. */
export const nodeStoreFiles: StoreFiles = {
  openSync: file => new NodeStoreFile(fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o644)),
  readFileSync: file => fs.readFileSync(file),
  listSync: folder => fs.readdirSync(folder),
  makeDirectorySync: folder => {
    fs.mkdirSync(path.resolve(folder), { recursive: true })
  },
  renameSync: (source, target) => fs.renameSync(source, target),
  unlink: file => fs.promises.unlink(file),
  syncDirectory: async folder => {
    const handle = await fs.promises.open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  },
}
