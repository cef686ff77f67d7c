// What every implementation of `Files` must do, as a suite.
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '@ottla/protocol'
import { readIfPresent, replaceFile } from './atomic-file.ts'
import type { Files } from './files.ts'

const codeOf = async (run: () => unknown): Promise<unknown> => {
  try {
    await run()
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
  return 'no error'
}

const bytes = (text: string) => Buffer.from(text)

const write = (files: Files, path: string, text: string) => {
  const file = files.openSync(path, 'create')
  file.truncateSync(0)
  file.writeSync([bytes(text)], 0)
  file.closeSync()
}

/** Runs the suite over files in `folder()`, an empty folder that exists. */
export function filesContract(name: string, make: () => { files: Files; folder: string }): void {
  describe(`${name}: open files`, () => {
    it('writes chunks one after another at a position and reads them back', async () => {
      const { files, folder } = make()
      const file = files.openSync(join(folder, 'a'), 'create')
      file.writeSync([bytes('hello '), bytes(''), bytes('world')], 0)
      file.writeSync([bytes('W')], 6)
      file.writeSync([], 3)
      file.writeSync([bytes(''), bytes('')], 3)
      expect(file.sizeSync()).toBe(11)
      const target = Buffer.alloc(16, '.')
      expect(file.readSync(target, { at: 2, length: 14, position: 6 })).toBe(5)
      expect(target.toString()).toBe('..World.........')
      expect(await file.read(target, { at: 0, length: 5, position: 0 })).toBe(5)
      expect(target.toString('latin1', 0, 5)).toBe('hello')
      expect(file.readSync(target, { at: 0, length: 5, position: 11 })).toBe(0)
      expect(await file.read(target, { at: 0, length: 5, position: 400 })).toBe(0)
      await file.datasync()
      file.closeSync()
      file.closeSync()
      expect(files.readFileSync(join(folder, 'a')).toString()).toBe('hello World')
    })

    it('writes more chunks than one system call takes', () => {
      const { files, folder } = make()
      const chunks = Array.from({ length: 3000 }, (_, index) => bytes(`${index},`))
      const file = files.openSync(join(folder, 'many'), 'create')
      file.writeSync([bytes('begin')], 0)
      file.writeSync(chunks, 5)
      file.closeSync()
      expect(files.readFileSync(join(folder, 'many')).toString()).toBe(`begin${Buffer.concat(chunks).toString()}`)
    })

    it('fills a gap with zeros, and so what comes after a truncation', () => {
      const { files, folder } = make()
      const file = files.openSync(join(folder, 'gap'), 'create')
      file.writeSync([bytes('abcdef')], 0)
      file.truncateSync(2)
      file.writeSync([bytes('z')], 5)
      file.truncateSync(8)
      expect(file.sizeSync()).toBe(8)
      file.closeSync()
      expect(files.readFileSync(join(folder, 'gap')).toString()).toBe('ab\0\0\0z\0\0')
    })

    it('opens only what the mode allows', async () => {
      const { files, folder } = make()
      const path = join(folder, 'modes')
      expect(await codeOf(() => files.openSync(path, 'read'))).toBe('ENOENT')
      expect(await codeOf(() => files.openSync(path, 'update'))).toBe('ENOENT')
      expect(await codeOf(() => files.openSync(join(folder, 'no', 'modes'), 'create'))).toBe('ENOENT')
      write(files, path, 'kept')
      const again = files.openSync(path, 'create')
      expect(again.sizeSync()).toBe(4)
      again.closeSync()
      const reader = files.openSync(path, 'read')
      expect(await codeOf(() => reader.writeSync([bytes('x')], 0))).toBe('EBADF')
      reader.closeSync()
      const updater = files.openSync(path, 'update')
      updater.writeSync([bytes('K')], 0)
      updater.closeSync()
      expect(files.readFileSync(path).toString()).toBe('Kept')
    })

    it('refuses a closed file, and lets what is under way end', async () => {
      const { files, folder } = make()
      const file = files.openSync(join(folder, 'closed'), 'create')
      file.writeSync([bytes('content')], 0)
      const target = Buffer.alloc(7)
      const underWay = Promise.all([file.datasync(), file.read(target, { at: 0, length: 7, position: 0 })])
      file.closeSync()
      await underWay
      expect(target.toString()).toBe('content')
      expect(await codeOf(() => file.writeSync([bytes('x')], 0))).toBe('EBADF')
      expect(await codeOf(() => file.datasync())).toBe('EBADF')
      expect(await codeOf(() => file.sizeSync())).toBe('EBADF')
    })

    it('reads an open file that was renamed or unlinked', () => {
      const { files, folder } = make()
      write(files, join(folder, 'old'), 'text')
      const file = files.openSync(join(folder, 'old'), 'update')
      files.renameSync(join(folder, 'old'), join(folder, 'new'))
      file.writeSync([bytes('T')], 0)
      expect(files.readFileSync(join(folder, 'new')).toString()).toBe('Text')
      files.unlinkSync(join(folder, 'new'))
      const target = Buffer.alloc(4)
      expect(file.readSync(target, { at: 0, length: 4, position: 0 })).toBe(4)
      file.closeSync()
    })

    it('agrees with a buffer over random writes and truncations', () => {
      const { files, folder } = make()
      const random = seededRandom(7)
      const file = files.openSync(join(folder, 'random'), 'create')
      let model = Buffer.alloc(0)
      for (let step = 0; step < 300; step++) {
        const position = Math.floor(random.next() * (model.length + 50))
        if (random.next() < 0.2) {
          file.truncateSync(position)
          model = Buffer.concat([model.subarray(0, position), Buffer.alloc(Math.max(0, position - model.length))])
        } else {
          const chunks = Array.from({ length: Math.floor(random.next() * 4) }, () => random.bytes(Math.floor(random.next() * 60)))
          const joined = Buffer.concat(chunks)
          file.writeSync(chunks, position)
          if (joined.length > 0) {
            const grown = Buffer.alloc(Math.max(model.length, position + joined.length))
            model.copy(grown)
            joined.copy(grown, position)
            model = grown
          }
        }
        expect(file.sizeSync()).toBe(model.length)
      }
      file.closeSync()
      expect(files.readFileSync(join(folder, 'random')).equals(model)).toBe(true)
    })
  })

  describe(`${name}: folders`, () => {
    it('lists, tells facts of, and makes folders, also when they are there', async () => {
      const { files, folder } = make()
      files.makeDirectorySync(join(folder, 'a', 'b'))
      files.makeDirectorySync(join(folder, 'a', 'b'))
      write(files, join(folder, 'a', 'file'), '12345')
      expect(files.listSync(join(folder, 'a')).toSorted()).toEqual(['b', 'file'])
      expect(files.statSync(join(folder, 'a'))?.isDirectory).toBe(true)
      expect(files.statSync(join(folder, 'a', 'file'))).toMatchObject({ size: 5, isDirectory: false })
      expect(files.statSync(join(folder, 'a', 'none'))).toBeUndefined()
      expect(files.statSync(join(folder, 'none', 'none'))).toBeUndefined()
      expect(await codeOf(() => files.listSync(join(folder, 'none')))).toBe('ENOENT')
      expect(await codeOf(() => files.readFileSync(join(folder, 'a', 'none')))).toBe('ENOENT')
      expect(await codeOf(() => files.makeDirectorySync(join(folder, 'a', 'file')))).toBe('EEXIST')
    })

    it('renames files and folders, over an existing file too', async () => {
      const { files, folder } = make()
      write(files, join(folder, 'one'), 'one')
      write(files, join(folder, 'two'), 'two')
      files.renameSync(join(folder, 'one'), join(folder, 'two'))
      expect(files.listSync(folder)).toEqual(['two'])
      expect(files.readFileSync(join(folder, 'two')).toString()).toBe('one')
      files.makeDirectorySync(join(folder, 'topic-0'))
      write(files, join(folder, 'topic-0', 'log'), 'log')
      files.renameSync(join(folder, 'topic-0'), join(folder, 'topic-0.deleted'))
      expect(files.listSync(join(folder, 'topic-0.deleted'))).toEqual(['log'])
      expect(await codeOf(() => files.renameSync(join(folder, 'none'), join(folder, 'x')))).toBe('ENOENT')
      expect(await codeOf(() => files.renameSync(join(folder, 'two'), join(folder, 'none', 'x')))).toBe('ENOENT')
    })

    it('removes files and whole folders', async () => {
      const { files, folder } = make()
      write(files, join(folder, 'a'), 'a')
      write(files, join(folder, 'b'), 'b')
      files.unlinkSync(join(folder, 'a'))
      await files.unlink(join(folder, 'b'))
      expect(files.listSync(folder)).toEqual([])
      expect(await codeOf(() => files.unlinkSync(join(folder, 'a')))).toBe('ENOENT')
      expect(await codeOf(() => files.unlink(join(folder, 'a')))).toBe('ENOENT')
      files.makeDirectorySync(join(folder, 'deep', 'deeper'))
      write(files, join(folder, 'deep', 'deeper', 'c'), 'c')
      await files.removeDirectory(join(folder, 'deep'))
      expect(files.listSync(folder)).toEqual([])
      expect(await codeOf(() => files.removeDirectory(join(folder, 'deep')))).toBe('ENOENT')
    })

    it('flushes folders and tells the space', async () => {
      const { files, folder } = make()
      await files.syncDirectory(folder)
      expect(await codeOf(() => files.syncDirectory(join(folder, 'none')))).toBe('ENOENT')
      const { totalBytes, usableBytes } = await files.space(folder)
      expect(totalBytes).toBeGreaterThan(0)
      expect(usableBytes).toBeGreaterThan(0)
      expect(usableBytes).toBeLessThanOrEqual(totalBytes)
    })

    it('replaces a small file whole', async () => {
      const { files, folder } = make()
      const path = join(folder, 'checkpoint')
      expect(readIfPresent(files, path)).toBeUndefined()
      write(files, `${path}.tmp`, 'left over from an attempt that was cut short')
      await replaceFile(files, path, bytes('first'))
      await replaceFile(files, path, bytes('2nd'))
      expect(readIfPresent(files, path)?.toString()).toBe('2nd')
      expect(files.listSync(folder)).toEqual(['checkpoint'])
    })
  })
}
