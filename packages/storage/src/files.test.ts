import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { filesContract } from './files.contract.ts'
import { MemoryDisk } from './memory-disk.ts'
import { nodeFiles } from './node-files.ts'
import { VolatileFiles } from './volatile-files.ts'

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

filesContract('node:fs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-files-'))
  folders.push(folder)
  return { files: nodeFiles, folder }
})

filesContract('memory disk', () => {
  const files = new MemoryDisk()
  files.makeDirectorySync('/disk/data')
  return { files, folder: '/disk/data' }
})

filesContract('volatile files', () => {
  const files = new VolatileFiles()
  files.makeDirectorySync('/disk/data')
  return { files, folder: '/disk/data' }
})

it('volatile files are bounded', async () => {
  const files = new VolatileFiles({ capacityBytes: 1000 })
  const file = files.openSync('/a', 'create')
  file.writeSync([Buffer.alloc(900)], 0)
  expect(() => file.writeSync([Buffer.alloc(200)], 900)).toThrow(/ENOSPC/)
  expect((await files.space()).usableBytes).toBe(100)
  files.unlinkSync('/a')
  expect(files.usedBytes).toBe(900)
  file.closeSync()
  expect(files.usedBytes).toBe(0)
})
