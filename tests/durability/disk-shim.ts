// A library that is loaded before a broker's own, and lets system calls on chosen files fail or take their time.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const EIO = 5
const source = fileURLToPath(new URL('../../../shared/faults-kit/faultshim.c', import.meta.url))

/** See the top of the file. */
export class DiskShim implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'ottla-shim-'))
  readonly #control = join(this.#folder, 'control')
  readonly #library = join(this.#folder, 'faultshim.so')

  constructor() {
    this.heal()
    execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-o', this.#library, source, '-ldl'], { stdio: 'pipe' })
  }

  /** For a process whose files with `path` in their names may fail. */
  environmentFor(path: string): Record<string, string> {
    return { LD_PRELOAD: this.#library, FAULT_CTL: this.#control, FAULT_PATH: path, UV_USE_IO_URING: '0' }
  }

  /** From now on these system calls answer EIO. */
  fail(names: readonly string[]): void {
    writeFileSync(this.#control, names.map(name => `${name} ${EIO} 0\n`).join(''))
  }

  /** From now on these system calls take this much longer. */
  delay(names: readonly string[], milliseconds: number): void {
    writeFileSync(this.#control, names.map(name => `${name} 0 ${milliseconds * 1000}\n`).join(''))
  }

  heal(): void {
    writeFileSync(this.#control, '')
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true })
  }
}

/** Why the library cannot be had here; undefined where it can. */
export const reasonToSkipShim = (): string | undefined => {
  if (process.platform !== 'linux') return 'it needs Linux'
  if (!existsSync(source)) return 'faultshim.c is not there'
  try {
    execFileSync('gcc', ['--version'], { stdio: 'pipe' })
  } catch {
    return 'there is no gcc'
  }
  return undefined
}
