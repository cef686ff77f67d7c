import { StoreError } from '@ottla/metadata'
import { expect, it } from 'vitest'
import { StartError, startError } from './start-errors.ts'

it('finds the cause of what the metadata store says', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  const told = startError(new StoreError('unavailable', full.message, { cause: new Error('append', { cause: full }) }))
  expect(told).toBeInstanceOf(StartError)
  expect(String(told)).toMatch(/no space left on the disk .* Free some space/)
})

it('gives back what nobody expected', () => {
  const odd = new TypeError('x is not a function', { cause: new Error('y') })
  expect(startError(odd)).toBe(odd)
})
