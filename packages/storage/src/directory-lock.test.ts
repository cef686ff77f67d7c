import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { lockDirectory } from './directory-lock.ts'
import { nodeFiles } from './node-files.ts'

const startOf = (pid: number): string => readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[19] ?? ''

describe.skipIf(!existsSync('/proc/self/stat'))('the lock of a directory', () => {
  it('is not held by a process that has ended, even if nobody has asked for its exit code', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lock-'))
    // The shell becomes a process that does not know of its child.
    const parent = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 20'])
    try {
      const [line] = await once(parent.stdout, 'data')
      const pid = Number(String(line))
      writeFileSync(join(folder, '.lock'), `${pid} ${startOf(pid)}\n`)
      expect(() => lockDirectory(nodeFiles, folder)).toThrow(`process id ${pid}`)
      await new Promise(resolve => setTimeout(resolve, 1000))
      expect(readFileSync(`/proc/${pid}/stat`, 'latin1')).toMatch(/\) Z /)
      lockDirectory(nodeFiles, folder)()
    } finally {
      parent.kill()
      rmSync(folder, { recursive: true })
    }
  })
})
