// The folders of a MemoryDisk. A process sees a change of a folder at once; it is on the device only after the folder was flushed, or by
// luck: changes of one folder reach the device in their order, so after a power loss the first so many of them are there.
import { posix } from 'node:path'
import type { Random } from '@ottla/protocol'
import { MemoryFile } from './memory-file.ts'

export class MemoryFolder {
  /** What a process sees. */
  readonly entries = new Map<string, MemoryNode>()
  /** What certainly survives a power loss. */
  readonly durable = new Map<string, MemoryNode>()
}

export type MemoryNode = MemoryFile | MemoryFolder

/** One name of a folder gets a node or loses it. */
interface Change {
  readonly folder: MemoryFolder
  readonly name: string
  readonly node: MemoryNode | undefined
}

/** The error of an operation, shaped as Node's. */
export const platformError = (code: string, operation: string, path: string): Error =>
  Object.assign(new Error(`${code}: ${operation} '${path}'`), { code, syscall: operation, path })

const put = (entries: Map<string, MemoryNode>, change: Change) => {
  if (change.node === undefined) entries.delete(change.name)
  else entries.set(change.name, change.node)
}

const wordsOf = (path: string): string[] =>
  posix
    .normalize(path.replaceAll('\\', '/'))
    .split('/')
    .filter(word => word !== '' && word !== '.')

export class MemoryTree {
  readonly root: MemoryFolder
  /** Changes that are not on the device for sure, in order; all of one step come together. */
  #pending: Change[][] = []

  constructor(root = new MemoryFolder()) {
    this.root = root
  }

  /** What lies at a path. */
  find(path: string): MemoryNode | undefined {
    let node: MemoryNode | undefined = this.root
    for (const word of wordsOf(path)) {
      if (!(node instanceof MemoryFolder)) return undefined
      node = node.entries.get(word)
    }
    return node
  }

  /** The folder that a path lies in, and its last word. Throws ENOENT, ENOTDIR. */
  parent(path: string, operation: string): { folder: MemoryFolder; name: string } {
    const words = wordsOf(path)
    const name = words.pop()
    const folder = this.find(words.join('/'))
    if (folder === undefined || name === undefined) throw platformError('ENOENT', operation, path)
    if (folder instanceof MemoryFile) throw platformError('ENOTDIR', operation, path)
    return { folder, name }
  }

  /** Makes changes that reach the device together. */
  change(...changes: Change[]): void {
    for (const change of changes) put(change.folder.entries, change)
    this.#pending.push(changes)
  }

  /** Begins to flush a folder: `finish` makes the changes durable that were made up to now. */
  beginFlush(folder: MemoryFolder): { finish(): void } {
    const steps = this.#stepsFor(folder)
    return {
      finish: () => {
        for (const step of this.#pending) if (steps.has(step)) for (const change of step) put(change.folder.durable, change)
        this.#pending = this.#pending.filter(step => !steps.has(step))
      },
    }
  }

  /** The steps that touch a folder, and those that must come before them because they touch a folder that such a step touches too. */
  #stepsFor(folder: MemoryFolder): Set<Change[]> {
    const folders = new Set([folder])
    const steps = new Set<Change[]>()
    for (const step of this.#pending.toReversed()) {
      if (!step.some(change => folders.has(change.folder))) continue
      steps.add(step)
      for (const change of step) folders.add(change.folder)
    }
    return steps
  }

  /** All files that a process sees. */
  files(): MemoryFile[] {
    const found: MemoryFile[] = []
    const visit = (folder: MemoryFolder) => {
      for (const node of folder.entries.values()) {
        if (node instanceof MemoryFile) found.push(node)
        else visit(node)
      }
    }
    visit(this.root)
    return found
  }

  /** A tree as it may be after a power loss; this one stays as it is. */
  survivor(random: Random): MemoryTree {
    const folders = new Map<MemoryFolder, Map<string, MemoryNode>>()
    const entriesOf = (folder: MemoryFolder) => {
      const known = folders.get(folder) ?? new Map(folder.durable)
      folders.set(folder, known)
      return known
    }
    const late = new Set<MemoryFolder>()
    const luck = random.next()
    for (const step of this.#pending) {
      if (random.next() >= luck || step.some(change => late.has(change.folder))) for (const change of step) late.add(change.folder)
      else for (const change of step) put(entriesOf(change.folder), change)
    }
    const copy = (source: MemoryFolder): MemoryFolder => {
      const folder = new MemoryFolder()
      for (const [name, node] of entriesOf(source)) {
        const survived = node instanceof MemoryFile ? MemoryFile.of(node.survivor(random), node.modifiedMs) : copy(node)
        folder.entries.set(name, survived)
        folder.durable.set(name, survived)
      }
      return folder
    }
    return new MemoryTree(copy(this.root))
  }
}
