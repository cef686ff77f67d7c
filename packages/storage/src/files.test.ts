import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { filesContract } from './files.contract.ts'
import { MemoryDisk } from './memory-disk.ts'
import { nodeFiles } from './node-files.ts'

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
