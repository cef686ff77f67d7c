import { VolatileFiles } from '@ottla/storage'
import { expect, it } from 'vitest'
import { TestDisk } from './test-disk.ts'

it('a disk becomes full and fails when it is told to', async () => {
  const disk = new TestDisk(new VolatileFiles())
  let failures = 0
  disk.onFailure = () => failures++
  const file = disk.openSync('/a', 'create')
  disk.state = 'full'
  expect(() => file.writeSync([Buffer.alloc(1)], 0)).toThrow(/ENOSPC/)
  expect(() => disk.openSync('/b', 'create')).toThrow(/ENOSPC/)
  expect((await disk.space('/')).usableBytes).toBe(0)
  disk.state = 'failing'
  await expect(file.datasync()).rejects.toThrow(/EIO/)
  disk.state = 'well'
  file.writeSync([Buffer.alloc(1)], 0)
  expect(failures).toBe(3)
})
