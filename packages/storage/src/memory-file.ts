// One file of a MemoryDisk: its content in the page cache, its content on the device, and which bytes of the first are not in the second.
import type { Random } from '@ottla/protocol'

const PAGE_BYTES = 4096
const SECTOR_BYTES = 512

interface Range {
  readonly from: number
  readonly to: number
}

/** Bytes on their way to the device, as they were when the flush began. */
interface Flight extends Range {
  readonly bytes: Buffer
  readonly size: number
  readonly sizeChanged: boolean
}

const overlap = (range: Range, from: number, to: number): boolean => range.from < to && range.to > from

export class MemoryFile {
  /** Length in the page cache. */
  size = 0
  modifiedMs = 0
  /** Handles that are open. */
  handles = 0
  isLinked = true
  #content: Buffer = Buffer.alloc(0)
  #disk: Buffer = Buffer.alloc(0)
  #diskSize = 0
  #dirty: Range | undefined
  #sizeChanged = false
  readonly #flights = new Set<Flight>()

  /** A file whose content is on the device. */
  static of(content: Buffer, modifiedMs: number): MemoryFile {
    const file = new MemoryFile()
    file.#content = Buffer.from(content)
    file.#disk = Buffer.from(content)
    file.size = content.length
    file.#diskSize = content.length
    file.modifiedMs = modifiedMs
    return file
  }

  /** The content that a process sees; valid until the next change. */
  get content(): Buffer {
    return this.#content.subarray(0, this.size)
  }

  /** The content that certainly survives a power loss. */
  get durableContent(): Buffer {
    return this.#disk.subarray(0, this.#diskSize)
  }

  write(bytes: Buffer, position: number): void {
    const end = position + bytes.length
    this.#content = grown(this.#content, end)
    bytes.copy(this.#content, position)
    this.#touch(Math.min(position, this.size), end)
    if (end > this.size) this.#resize(end)
  }

  truncate(length: number): void {
    if (length === this.size) return
    this.#content = grown(this.#content, length)
    if (length < this.size) this.#content.fill(0, length, this.size)
    this.#touch(Math.min(length, this.size), Math.max(length, this.size))
    this.#resize(length)
  }

  /** Begins to flush what is unflushed now. `finish` makes it durable; `lose` forgets that it was not, as a kernel does after an error. */
  beginFlush(): { finish(): void; lose(): void } {
    const { from, to } = this.#dirty ?? { from: 0, to: 0 }
    const bytes = Buffer.from(this.#content.subarray(from, Math.max(from, Math.min(to, this.size))))
    const flight = { from, to, bytes, size: this.size, sizeChanged: this.#sizeChanged }
    this.#dirty = undefined
    this.#sizeChanged = false
    this.#flights.add(flight)
    return {
      finish: () => {
        // What was on its way before is there too.
        for (const earlier of this.#flights.has(flight) ? this.#flights : []) {
          this.#flights.delete(earlier)
          this.#land(earlier)
          if (earlier === flight) return
        }
      },
      lose: () => {
        this.#flights.delete(flight)
      },
    }
  }

  /** The process died: what was on its way is as unflushed as before. */
  cancelFlights(): void {
    for (const flight of this.#flights) {
      this.#touch(flight.from, flight.to)
      this.#sizeChanged ||= flight.sizeChanged
    }
    this.#flights.clear()
  }

  /**
   * What may be found after a power loss. Of unflushed pages each is the old or the new one, or torn between the two at any byte, or, where
   * the file was extended, zeros, because its length came to the device before its bytes. The length is the old, the new, or one between.
   */
  survivor(random: Random): Buffer {
    const ranges: Range[] = [...this.#flights]
    if (this.#dirty !== undefined) ranges.push(this.#dirty)
    const sizeChanged = this.#sizeChanged || [...this.#flights].some(flight => flight.sizeChanged)
    const mood = random.next()
    if (ranges.length === 0 || mood < 0.2) return Buffer.from(this.durableContent)
    const all = mood < 0.4
    const size = sizeChanged ? (all ? this.size : this.#survivingSize(random)) : this.#diskSize
    const result = Buffer.alloc(Math.max(this.#disk.length, this.#content.length, size))
    this.#disk.copy(result, 0, 0, this.#diskSize)
    for (let page = 0; page < size; page += PAGE_BYTES) {
      if (!ranges.some(range => overlap(range, page, page + PAGE_BYTES))) continue
      if (all) this.#content.copy(result, page, page, page + PAGE_BYTES)
      else this.#survivePage(result, page, random)
    }
    return result.subarray(0, size)
  }

  #survivingSize(random: Random): number {
    const from = Math.min(this.#diskSize, this.size)
    const choice = random.next()
    if (choice < 0.3) return this.size
    if (choice < 0.4) return this.#diskSize
    const any = from + Math.floor(random.next() * (Math.abs(this.size - this.#diskSize) + 1))
    if (choice < 0.6) return any
    const unit = choice < 0.8 ? PAGE_BYTES : SECTOR_BYTES
    return Math.max(from, Math.floor(any / unit) * unit)
  }

  #survivePage(result: Buffer, page: number, random: Random): void {
    const choice = random.next()
    const end = Math.min(page + PAGE_BYTES, this.#content.length)
    if (choice < 0.3 || end <= page) return
    if (choice < 0.65) {
      this.#content.copy(result, page, page, end)
      return
    }
    if (choice < 0.75) {
      const hole = Math.max(page, this.#diskSize)
      if (hole < end) result.fill(0, hole, end)
      return
    }
    const any = page + Math.floor(random.next() * (end - page + 1))
    const cut = choice < 0.85 ? any : Math.floor(any / SECTOR_BYTES) * SECTOR_BYTES
    if (random.next() < 0.8) this.#content.copy(result, page, page, cut)
    else this.#content.copy(result, cut, cut, end)
  }

  #land(flight: Flight): void {
    this.#disk = grown(this.#disk, flight.size)
    if (flight.sizeChanged && flight.size < this.#diskSize) this.#disk.fill(0, flight.size, this.#diskSize)
    if (flight.sizeChanged) this.#diskSize = flight.size
    flight.bytes.copy(this.#disk, flight.from)
  }

  #touch(from: number, to: number): void {
    if (from >= to) return
    const dirty = this.#dirty
    this.#dirty = dirty === undefined ? { from, to } : { from: Math.min(from, dirty.from), to: Math.max(to, dirty.to) }
  }

  #resize(size: number): void {
    this.size = size
    this.#sizeChanged = true
  }
}

function grown(buffer: Buffer, size: number): Buffer {
  if (size <= buffer.length) return buffer
  const larger = Buffer.alloc(Math.max(size, buffer.length * 2, 256))
  buffer.copy(larger)
  return larger
}
