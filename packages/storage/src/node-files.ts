// The real disk: `Files` on node:fs. Errors are those of Node, with `code`.
import * as fs from 'node:fs'
import { promisify } from 'node:util'
import type { FileFacts, Files, OpenFile } from './files.ts'

/** The most buffers that one writev takes on Linux (IOV_MAX). */
const MAX_CHUNKS = 1024

const readAsync = promisify(fs.read)
const fdatasync = promisify(fs.fdatasync)

class NodeFile implements OpenFile {
  readonly path: string
  readonly #fd: number
  /** Calls that are under way in the thread pool. Closing waits for them: the number of a closed file may already be another file's. */
  #underWay = 0
  #closed = false

  constructor(path: string, fd: number) {
    this.path = path
    this.#fd = fd
  }

  get #open(): number {
    if (!this.#closed) return this.#fd
    throw Object.assign(new Error(`EBADF: ${this.path} is closed`), { code: 'EBADF', path: this.path })
  }

  readSync(target: Buffer, range: { at: number; length: number; position: number }): number {
    const fd = this.#open
    let done = 0
    while (done < range.length) {
      const count = fs.readSync(fd, target, range.at + done, range.length - done, range.position + done)
      if (count === 0) break
      done += count
    }
    return done
  }

  read(target: Buffer, range: { at: number; length: number; position: number }): Promise<number> {
    return this.#whileOpen(async fd => {
      let done = 0
      while (done < range.length) {
        const { bytesRead } = await readAsync(fd, target, range.at + done, range.length - done, range.position + done)
        if (bytesRead === 0) break
        done += bytesRead
      }
      return done
    })
  }

  writeSync(chunks: readonly Buffer[], position: number): void {
    const fd = this.#open
    const single = chunks[0]
    if (chunks.length === 1 && single !== undefined) writeAll(fd, single, position)
    else writeChunks(fd, chunks, position)
  }

  truncateSync(length: number): void {
    fs.ftruncateSync(this.#open, length)
  }

  sizeSync(): number {
    return fs.fstatSync(this.#open).size
  }

  datasync(): Promise<void> {
    return this.#whileOpen(fd => fdatasync(fd))
  }

  closeSync(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#underWay === 0) fs.closeSync(this.#fd)
  }

  async #whileOpen<T>(run: (fd: number) => Promise<T>): Promise<T> {
    const fd = this.#open
    this.#underWay++
    try {
      return await run(fd)
    } finally {
      this.#underWay--
      if (this.#closed && this.#underWay === 0) fs.closeSync(fd)
    }
  }
}

function writeAll(fd: number, chunk: Buffer, position: number): void {
  let done = 0
  while (done < chunk.length) done += fs.writeSync(fd, chunk, done, chunk.length - done, position + done)
}

/** One writev where possible; what a short write left, or chunks beyond the limit of one call, go with further calls. */
function writeChunks(fd: number, chunks: readonly Buffer[], position: number): void {
  let at = position
  for (let first = 0; first < chunks.length; first += MAX_CHUNKS) {
    let pending = chunks.length <= MAX_CHUNKS ? chunks : chunks.slice(first, first + MAX_CHUNKS)
    while (pending.length > 0) {
      const written = fs.writevSync(fd, pending, at)
      at += written
      pending = unwritten(pending, written)
    }
  }
}

/** The chunks without their first `written` bytes. */
function unwritten(chunks: readonly Buffer[], written: number): readonly Buffer[] {
  let index = 0
  let left = written
  for (; index < chunks.length; index++) {
    const chunk = chunks[index]
    if (chunk === undefined || left < chunk.length)
      return chunk && left > 0 ? [chunk.subarray(left), ...chunks.slice(index + 1)] : chunks.slice(index)
    left -= chunk.length
  }
  return []
}

const flags = { read: fs.constants.O_RDONLY, update: fs.constants.O_RDWR, create: fs.constants.O_RDWR | fs.constants.O_CREAT } as const

/** `Files` on the file system of this machine. */
export const nodeFiles: Files = {
  openSync: (path, mode) => new NodeFile(path, fs.openSync(path, flags[mode])),
  readFileSync: path => fs.readFileSync(path),
  listSync: path => fs.readdirSync(path),
  statSync(path): FileFacts | undefined {
    const facts = fs.statSync(path, { throwIfNoEntry: false })
    return facts && { size: facts.size, modifiedMs: facts.mtimeMs, isDirectory: facts.isDirectory() }
  },
  makeDirectorySync(path) {
    fs.mkdirSync(path, { recursive: true })
  },
  renameSync: (source, target) => fs.renameSync(source, target),
  unlinkSync: path => fs.unlinkSync(path),
  unlink: path => fs.promises.unlink(path),
  removeDirectory: path => fs.promises.rm(path, { recursive: true }),
  async syncDirectory(path) {
    // Windows has no such thing as flushing a folder.
    if (process.platform === 'win32') return
    const folder = await fs.promises.open(path, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  },
  async space(path) {
    const facts = await fs.promises.statfs(path)
    return { totalBytes: facts.bsize * facts.blocks, usableBytes: facts.bsize * facts.bavail }
  },
}
