// The file operations that storage needs. Everything on disk goes through this interface: `nodeFiles` is the real disk,
// `MemoryDisk` one that forgets what was not flushed, for tests of power loss and of failing devices.
// Operations named `...Sync` only touch the page cache and may run on the event loop; the others may wait for a device.
// Every operation throws the platform's error with `code` ('ENOSPC', 'EIO', 'ENOENT', ...).

/** An open file. Positions and lengths are bytes. */
export interface OpenFile {
  readonly path: string
  /** Reads up to `length` bytes at `position` into `target` from `at` on; returns how many were read, 0 at the end of the file. */
  readSync(target: Buffer, range: { at: number; length: number; position: number }): number
  /** As readSync, without blocking the loop. */
  read(target: Buffer, range: { at: number; length: number; position: number }): Promise<number>
  /** Writes all chunks one after another at `position` (one vectored write where possible). When it throws, any prefix may have been written. */
  writeSync(chunks: readonly Buffer[], position: number): void
  truncateSync(length: number): void
  sizeSync(): number
  /** fdatasync. A failed one must never be retried: the kernel may have dropped the pages. */
  datasync(): Promise<void>
  closeSync(): void
}

export interface FileFacts {
  readonly size: number
  readonly modifiedMs: number
  readonly isDirectory: boolean
}

export interface Files {
  /** 'read': must exist. 'update': must exist, reads and writes. 'create': made when missing, reads and writes, never truncated. */
  openSync(path: string, mode: 'read' | 'update' | 'create'): OpenFile
  readFileSync(path: string): Buffer
  /** Names in a folder, unsorted. */
  listSync(path: string): string[]
  /** undefined when there is nothing. */
  statSync(path: string): FileFacts | undefined
  makeDirectorySync(path: string): void
  /** Replaces the target when it exists. */
  renameSync(source: string, target: string): void
  /** Small files only: unlinking gigabytes blocks. */
  unlinkSync(path: string): void
  unlink(path: string): Promise<void>
  /** Removes a folder with all in it. */
  removeDirectory(path: string): Promise<void>
  /** Makes renames, creations and deletions in a folder durable. */
  syncDirectory(path: string): Promise<void>
  /** Bytes of the file system that holds `path`. */
  space(path: string): Promise<{ totalBytes: number; usableBytes: number }>
}
